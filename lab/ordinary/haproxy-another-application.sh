# HAProxy balances another application too, by a frontend and backends of its own, some servers of it down and unchecked.
# host: api-1
# common: companies with one balancer
# entry: [listeners]
# entry: api = { "haproxy.service" = ["loopback:8200"] }
# without: only-expected-listeners[api-1]
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	cat >>$CONFIG <<-'END'
		# begin shop
		frontend shop
			bind 127.0.0.1:8200
			acl is_static path_beg /static
			use_backend shop-static if is_static
			default_backend shop

		backend shop
			balance roundrobin
			option httpchk GET /up
			server shop-1 127.0.0.1:8201 check inter 10s
			server shop-2 127.0.0.1:8202 backup

		backend shop-static
			server files 198.51.100.11:8101
		# end shop
	END
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() { listens 127.0.0.1 8200; }
mend() {
	sed -i '/# begin shop/,/# end shop/d' $CONFIG
	systemctl reload haproxy
}
