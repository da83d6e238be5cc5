# A firewall by nftables: what is not wanted from the network is dropped.
# host: data
# common: most hosts
inject() {
	keep /etc/nftables.conf
	cat >/etc/nftables.conf <<-'END'
		#!/usr/sbin/nft -f
		flush ruleset
		table inet filter {
			chain input {
				type filter hook input priority filter; policy drop;
				ct state established,related accept
				iif "lo" accept
				meta l4proto { icmp, ipv6-icmp } accept
				tcp dport 22 accept
				ip saddr 198.51.100.0/24 tcp dport { 6379, 9000, 27017 } accept
				ip6 saddr fd56:766f:7867::/64 tcp dport { 6379, 9000, 27017 } accept
			}
			chain forward { type filter hook forward priority filter; policy drop; }
			chain output { type filter hook output priority filter; policy accept; }
		}
	END
	systemctl enable -q nftables
	systemctl restart nftables
}
landed() { nft list ruleset | grep -q 'policy drop'; }
mend() {
	systemctl disable -q --now nftables
	nft flush ruleset
	back /etc/nftables.conf
}
