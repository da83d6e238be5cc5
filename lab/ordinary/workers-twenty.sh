# Twenty workers stand on one host: its estate says how many, and HAProxy has a server for each.
# host: machine
# common: estates with large hosts
# entry: [hosts.fleet-1]
# entry: workers = 20
# without: units-are-all-there-are[fleet-fleet-1] boot-starts-only-what-is-known[fleet-1] only-expected-listeners[fleet-1]
#   capacity-adds-up[*] haproxy-sees-all-workers
more() { systemctl enable -q --now voxcore@{4..20}; }
less() { systemctl disable -q --now voxcore@{4..20}; }
there() {
	keep /etc/haproxy/haproxy.cfg
	local n
	for n in {20..4}; do
		sed -i "/server fleet-1-3 /a \\\tserver fleet-1-$n 198.51.100.31:$((8100 + n)) check" /etc/haproxy/haproxy.cfg
	done
	systemctl reload haproxy
}
away() {
	back /etc/haproxy/haproxy.cfg
	systemctl reload haproxy
}
all_well() {
	local n
	for n in {1..20}; do get /health $((8100 + n)) >/dev/null || return 1; done
}
inject() {
	on fleet-1 more
	on fleet-1 'until_true all_well'
	on api-1 there
}
landed() { on fleet-1 all_well; }
mend() {
	on api-1 away
	on fleet-1 less
}
