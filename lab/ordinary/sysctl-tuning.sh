# The kernel is tuned for many connections.
# host: api-1
# common: hosts with many connections
FILE=/etc/sysctl.d/60-company.conf
inject() {
	printf 'net.core.somaxconn = 8192\nnet.ipv4.tcp_keepalive_time = 300\nnet.ipv4.ip_local_port_range = 15000 64999\nvm.swappiness = 10\nfs.file-max = 2097152\n' >$FILE
	was=$(sysctl -n net.core.somaxconn)
	mkdir -p $FAULT && echo "$was" >$FAULT/somaxconn
	sysctl -q -w net.core.somaxconn=8192
}
landed() { [ "$(cat /proc/sys/net/core/somaxconn)" = 8192 ]; }
mend() {
	rm $FILE
	sysctl -q -w net.core.somaxconn="$(cat $FAULT/somaxconn)"
}
