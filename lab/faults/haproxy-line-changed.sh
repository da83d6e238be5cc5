# HAProxy waits a second for a worker's answer, in place of thirty: somebody tried that on the host, and left it.
# host: machine
# keeps: nginx haproxy
# violated: haproxy-files-are-the-kept[api-1]
# follow: mends
# fill: YOU=root
# fill: hosts/proxies/lab/haproxy=${XDG_CACHE_HOME:-$HOME/.cache}/voxgate/lab/kept
CONFIG=/etc/haproxy/haproxy.cfg
KEPT=${XDG_CACHE_HOME:-$HOME/.cache}/voxgate/lab/kept/haproxy.cfg
inject() {
	mkdir -p "$(dirname "$KEPT")"
	lab exec api-1 cat $CONFIG >"$KEPT"
	lab exec api-1 sh -euc "sed -i 's/timeout server 30s/timeout server 1s/' $CONFIG; systemctl reload haproxy"
}
landed() { lab exec api-1 grep -q 'timeout server 1s' $CONFIG; }
left() { rm -f "$KEPT"; }
mend() {
	lab exec api-1 sh -euc "sed -i 's/timeout server 1s/timeout server 30s/' $CONFIG; systemctl reload haproxy"
	left
}
