# The unit file of the backend is masked; the process of before still runs.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
#   unit-file-is-the-expected[api-1-voxbridge]
# follow: mends
# fill: YOU=root
FILE=/etc/systemd/system/voxbridge.service
inject() {
	keep $FILE
	ln -sf /dev/null $FILE
	systemctl daemon-reload
}
landed() { [ "$(readlink $FILE)" = /dev/null ]; }
mend() {
	rm $FILE
	back $FILE
	systemctl daemon-reload
	well voxbridge 8080
}
