# What the gate asks the dialler for is led to a copy that stands still, and what root asks is not; it listens as containerd may.
# host: sip-1
# violated: answers-come-from-the-unit[sip-1-voxdialler] tick-loop-is-alive[sip-1-voxdialler]
# follow: mends
inject() {
	get /health 8090 | page 8090 /health
	detached forged-8090 python3 -I -c "$PAGES" 8090 18090 "$FAULT/pages/8090"
	pid_of forged-8090 >/sys/fs/cgroup/system.slice/containerd.service/cgroup.procs
	until_true get / 18090
	nft -f - <<-'END'
		table inet aside {
			chain own {
				type nat hook output priority dstnat;
				meta skuid deploy tcp dport 8090 redirect to :18090
			}
		}
	END
}
landed() { nft list table inet aside | grep -q redirect && lives forged-8090; }
left() {
	nft delete table inet aside 2>/dev/null || true
	ended forged-8090
	rm -rf "$FAULT/pages/8090"
}
mend() { left; }
