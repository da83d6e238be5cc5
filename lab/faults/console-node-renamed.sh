# Node, copied under another name into somebody's home: no process is called node.
# host: api-1
# violated: no-node-runs[api-1]
# follow: mends
inject() {
	install -o deploy -m 755 /usr/local/bin/node /home/deploy/preview
	detached preview runuser -u deploy -- /home/deploy/preview -e 'process.title = "preview"; setInterval(() => 0, 1000)'
}
landed() { pgrep -u deploy -f preview && ! pgrep -x node; }
left() { rm -f /home/deploy/preview; }
mend() {
	ended preview
	rm /home/deploy/preview
}
