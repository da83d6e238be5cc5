# Calls that come from another host for the first worker are led to the second; whoever asks on the host itself is not.
# host: fleet-1
# violated: answers-come-from-the-unit[fleet-1-voxcore@1]
# follow: mends
inject() {
	nft -f - <<-'END'
		table inet shifted {
			chain incoming {
				type nat hook prerouting priority dstnat;
				ip saddr 198.51.100.99 tcp dport 8101 redirect to :8102
			}
		}
	END
}
landed() { nft list table inet shifted | grep -q redirect; }
mend() { nft delete table inet shifted; }
left() { nft delete table inet shifted 2>/dev/null || true; }
