# Node, installed as a program of the system under another name: no process is called node, and nothing lies in a home.
# host: api-1
# violated: no-node-runs[api-1]
# follow: mends
inject() {
	cp /usr/local/bin/node /usr/local/bin/web
	detached web /usr/local/bin/web -e 'process.title = "web"; setInterval(() => 0, 1000)'
}
landed() { lives web && ! pgrep -x node && [ "$(readlink "/proc/$(pid_of web)/exe")" = /usr/local/bin/web ]; }
left() { rm -f /usr/local/bin/web; }
mend() {
	ended web
	rm /usr/local/bin/web
}
