# One worker stands in HAProxy without a check: dead, it gets calls.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
# edit: sed -i 's/ no-check//' "$file"
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	keep $CONFIG
	sed -i 's/server fleet-1-2 .*/& no-check/' $CONFIG
	systemctl reload haproxy
}
landed() { grep -q no-check $CONFIG && systemctl is-active -q haproxy; }
mend() {
	back $CONFIG
	systemctl reload haproxy
}
