# A unit that names no service's folder is enabled on a fleet host: what it starts is known at the next boot.
# host: fleet-1
# violated: boot-starts-only-what-is-known[fleet-1]
# follow: mends
UNIT=/etc/systemd/system/stats.service
inject() {
	printf '[Service]\nWorkingDirectory=/srv/s\nExecStart=/srv/s/run\n[Install]\nWantedBy=multi-user.target\n' >$UNIT
	systemctl daemon-reload
	systemctl enable -q stats
}
landed() { systemctl is-enabled -q stats && ! systemctl is-active -q stats; }
mend() {
	systemctl disable -q stats
	rm $UNIT
	systemctl daemon-reload
}
