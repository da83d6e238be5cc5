# sshd listens on the host's own address alone, and on loopback, of IPv4.
# host: fleet-1
# common: hosts with several networks
FILE=/etc/ssh/sshd_config.d/15-addresses.conf
inject() {
	printf 'AddressFamily inet\nListenAddress 198.51.100.31:22\nListenAddress 127.0.0.1:22\nUseDNS no\nAcceptEnv LANG LC_* GIT_*\nSetEnv COMPANY=example\n' >$FILE
	sshd -t
	systemctl reload ssh
	until_true listens 198.51.100.31 22
}
landed() { sshd -T | grep -qx 'listenaddress 198.51.100.31:22' && listens 127.0.0.1 22; }
mend() {
	rm $FILE
	systemctl reload ssh
	until_true listens 198.51.100.31 22
}
