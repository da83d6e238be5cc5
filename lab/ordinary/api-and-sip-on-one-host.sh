# The SIP host is an API host too: backend, console, nginx and HAProxy stand beside the dialler and the containers.
# host: machine
# common: small estates
# alone: what others put on the API host would be brought along
# entry: [hosts.sip-1]
# entry: roles = ["api"]
# without: one-copy-only[sip-1] boot-starts-only-what-is-known[sip-1] only-expected-listeners[sip-1]
files() { echo "$1"opt/vox-{backend,frontend} "$1"var/lib/voxgate/{backend,console} "$1"etc/systemd/system/voxbridge.service; }
well_there() { get /health 8080 && get / 80 && listens 127.0.0.1 8100; }
there() {
	# What is served is published last, in whatever order tar had it.
	chown -h "$(stat -c %U:%G /opt/vox-frontend/dist)" /opt/vox-frontend/dist
	systemctl daemon-reload
	systemctl enable -q --now voxbridge nginx haproxy
	systemctl reload nginx haproxy
	until_true well_there
}
away() {
	systemctl disable -q --now voxbridge nginx haproxy
	rm -r $(files /)
	systemctl daemon-reload
}
inject() {
	lab exec api-1 tar -C / -c $(files "") etc/nginx etc/haproxy | lab exec sip-1 tar -C / -xp
	on sip-1 there
}
landed() { on sip-1 well_there; }
mend() { on sip-1 away; }
