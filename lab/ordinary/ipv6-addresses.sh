# The host has addresses of IPv6 and a second one of IPv4, beside that of the estate.
# host: data
# common: hosts in clouds
inject() {
	ip -6 address add 2001:db8:7::11/64 dev host0 nodad
	ip address add 198.51.100.111/32 dev host0
	keep /etc/hosts
	printf '2001:db8:7::11 data6.vox.example\n198.51.100.111 data-old.vox.example\n' >>/etc/hosts
}
landed() { ip -6 address show dev host0 | grep -q db8:7::11; }
mend() {
	back /etc/hosts
	ip address del 198.51.100.111/32 dev host0
	ip -6 address del 2001:db8:7::11/64 dev host0
}
