# A backend that nothing leads to stands in HAProxy's configuration, for the day when somebody needs it.
# host: api-1
# common: balancers that are some years old
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	cat >>$CONFIG <<-'END'
		# begin reserve
		backend maintenance
			mode http
			server sorry 127.0.0.1:8299 check
		# end reserve
	END
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() {
	python3 -c '
import socket
door = socket.socket(socket.AF_UNIX)
door.connect("/run/haproxy/admin.sock")
door.sendall(b"show stat\n")
assert b"\nmaintenance,sorry" in b"".join(iter(lambda: door.recv(9999), b""))'
}
mend() {
	sed -i '/# begin reserve/,/# end reserve/d' $CONFIG
	systemctl reload haproxy
}
