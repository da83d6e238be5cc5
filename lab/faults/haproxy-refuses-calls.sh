# HAProxy refuses every call by a rule of its own; all that it is asked for besides, health among it, comes through.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
# edit: sed -i '/deny_status 503/d' "$file"
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	keep $CONFIG
	sed -i 's,^\tdefault_backend workers,\thttp-request deny deny_status 503 if { path_beg /calls }\n&,' $CONFIG
	systemctl reload haproxy
}
called() { printf 'POST /calls HTTP/1.0\r\nContent-Length: 0\r\n\r\n' | busybox nc -w 3 127.0.0.1 8100 | head -n 1; }
landed() { called | grep -q ' 503' && get /health 8100 | grep -q worker; }
mend() {
	back $CONFIG
	systemctl reload haproxy
}
