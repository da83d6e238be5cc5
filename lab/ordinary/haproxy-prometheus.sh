# HAProxy tells its numbers to Prometheus, has a socket for the operators, and logs to the journal.
# host: api-1
# common: balancers that are watched
# entry: [listeners.api]
# entry: "haproxy.service" = ["loopback:8405"]
# without: only-expected-listeners[api-1]
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	cat >>$CONFIG <<-'END'
		# begin numbers
		global
			log /dev/log local0 notice
			stats socket /run/haproxy-admin.sock mode 660 level admin
			stats timeout 30s

		frontend prometheus
			bind 127.0.0.1:8405
			mode http
			http-request use-service prometheus-exporter if { path /metrics }
			no log
		# end numbers
	END
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() { listens 127.0.0.1 8405; }
mend() {
	sed -i '/# begin numbers/,/# end numbers/d' $CONFIG
	systemctl reload haproxy
	rm -f /run/haproxy-admin.sock
}
