# HAProxy takes calls from its own host alone: whoever calls from another one finds nobody.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
# edit: sed -i 's/bind 127.0.0.1:8100/bind 0.0.0.0:8100/' "$file"
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	keep $CONFIG
	sed -i 's/bind 0.0.0.0:8100/bind 127.0.0.1:8100/' $CONFIG
	systemctl restart haproxy
	until_true get /health 8100
}
landed() { get /health 8100 | grep -q worker && ! listens 198.51.100.21 8100; }
mend() {
	back $CONFIG
	systemctl restart haproxy
	until_true get /health 8100
}
