# HAProxy's own page of numbers, and its metrics for Prometheus, on a port of their own.
# host: api-1
# common: most hosts with HAProxy
# entry: [listeners]
# entry: api = { "haproxy.service" = [8404] }
# without: only-expected-listeners[api-1]
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	cat >>$CONFIG <<-'END'
		# begin stats
		frontend stats
			bind :8404
			http-request use-service prometheus-exporter if { path /metrics }
			stats enable
			stats uri /stats
			stats refresh 10s
		# end stats
	END
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() { get /stats 8404 | grep -q 'Statistics Report'; }
mend() {
	sed -i '/# begin stats/,/# end stats/d' $CONFIG
	systemctl reload haproxy
}
