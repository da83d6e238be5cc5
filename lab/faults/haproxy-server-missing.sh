# One worker is not in HAProxy at all: it gets no calls.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
# edit: sed -i 's,^\(.*server fleet-2-\)2 \(.*\)8102\(.*\),&\n\13 \28103\3,' "$file"
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	keep $CONFIG
	sed -i '/server fleet-2-3 /d' $CONFIG
	systemctl reload haproxy
}
landed() { ! grep -q fleet-2-3 $CONFIG && systemctl is-active -q haproxy; }
mend() {
	back $CONFIG
	systemctl reload haproxy
}
