# IPv6 is switched off by sysctl, as CIS benchmarks ask where nobody uses it.
# host: fleet-2
# common: hardened hosts
FILE=/etc/sysctl.d/70-no-ipv6.conf
inject() {
	printf 'net.ipv6.conf.all.disable_ipv6 = 1\nnet.ipv6.conf.default.disable_ipv6 = 1\n' >$FILE
	sysctl -q -p $FILE
}
landed() { [ "$(sysctl -n net.ipv6.conf.all.disable_ipv6)" = 1 ]; }
mend() {
	rm $FILE
	sysctl -q -w net.ipv6.conf.all.disable_ipv6=0 net.ipv6.conf.default.disable_ipv6=0
}
