# ufw is on: what listens for the network is let through, the rest is dropped.
# host: fleet-2
# common: most hosts
inject() {
	package ufw
	ufw allow 22/tcp
	ufw allow proto tcp from 198.51.100.0/24 to any port 8100:8110
	ufw allow proto tcp from fd56:766f:7867::/64 to any port 8100:8110
	ufw --force enable
}
landed() { iptables -S ufw-user-input | grep -q 8100:8110; }
mend() {
	ufw --force disable
	ufw --force reset
	package_gone ufw
	for tool in iptables ip6tables; do
		$tool -S | sed -n 's/^-N \(ufw[^ ]*\)$/\1/p' >$FAULT.chains
		$tool -S | grep -E '^-A (INPUT|OUTPUT|FORWARD) -j ufw' | while read -r _ rest; do $tool -D $rest; done
		while read -r chain; do $tool -F $chain; done <$FAULT.chains
		while read -r chain; do $tool -X $chain || true; done <$FAULT.chains
		for chain in INPUT OUTPUT FORWARD; do $tool -P $chain ACCEPT; done
	done
	rm -f $FAULT.chains
}
