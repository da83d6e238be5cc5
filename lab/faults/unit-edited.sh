# The backend's unit file was edited on the host; systemd has not read it yet.
# host: api-1
# violated: unit-file-is-the-expected[api-1-voxbridge]
# follow: mends
# fill: YOU=root
FILE=/etc/systemd/system/voxbridge.service
inject() {
	keep $FILE
	sed -i 's/^RestartSec=1/RestartSec=60/' $FILE
}
landed() { grep -q RestartSec=60 $FILE; }
mend() {
	back $FILE
	systemctl daemon-reload
	well voxbridge 8080
}
