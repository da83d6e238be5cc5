# HAProxy is tuned: retries, a table of who comes, a cookie, compression, headers, a page for errors of its own.
# host: api-1
# common: balancers that are some years old
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	sed -i -f - $CONFIG <<-'END'
		/^backend workers/a\
		# begin tuned\
			option redispatch\
			retries 3\
			http-reuse safe\
			cookie VOX insert indirect nocache\
			stick-table type ip size 100k expire 30m store conn_cur,http_req_rate(10s)\
			stick on src\
			compression algo gzip\
			http-response set-header X-Served-By %[srv_name]\
			timeout queue 10s\
		# end tuned
		/^frontend fleet/a\
		# begin tuned\
			option forwardfor\
			http-request set-header X-Forwarded-Proto http\
			acl bad path_beg /wp-admin\
			http-request deny if bad\
			capture request header User-Agent len 64\
		# end tuned
	END
	haproxy -c -f $CONFIG
	systemctl reload haproxy
}
landed() { grep -q 'cookie VOX' $CONFIG && listens 127.0.0.1 8100; }
mend() {
	sed -i '/# begin tuned/,/# end tuned/d' $CONFIG
	systemctl reload haproxy
}
