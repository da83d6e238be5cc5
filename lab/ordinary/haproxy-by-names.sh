# The servers in HAProxy's configuration are names, not addresses: as /etc/hosts has them.
# host: api-1
# common: many companies
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	sed -i 's/ 198\.51\.100\.31:81/ ipv4@fleet-1:81/; s/ 198\.51\.100\.32:81/ ipv4@fleet-2:81/' $CONFIG
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() { [ "$(grep -c 'server fleet-[12]-[123] ipv4@fleet-[12]:81' $CONFIG)" = 6 ] && listens 127.0.0.1 8100; }
mend() {
	sed -i 's/ ipv4@fleet-1:81/ 198.51.100.31:81/; s/ ipv4@fleet-2:81/ 198.51.100.32:81/' $CONFIG
	systemctl reload haproxy
}
