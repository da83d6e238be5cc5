# HAProxy's frontend leads all calls to another backend: every worker is there, checked, and gets none.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
# edit: sed -i 's/default_backend elsewhere/default_backend workers/' "$file"
CONFIG=/etc/haproxy/haproxy.cfg
inject() {
	keep $CONFIG
	sed -i 's/default_backend workers/default_backend elsewhere/' $CONFIG
	printf '\nbackend elsewhere\n\tserver old 198.51.100.11:8101\n' >>$CONFIG
	systemctl reload haproxy
}
landed() { grep -q 'default_backend elsewhere' $CONFIG && systemctl is-active -q haproxy && ! get /health 8100; }
mend() {
	back $CONFIG
	systemctl reload haproxy
}
left() { mend; }
