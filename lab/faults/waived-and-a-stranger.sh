# One unit that boot starts is accepted in writing. A second one, on the same host, is not.
# host: fleet-2
# violated: boot-starts-only-what-is-known[fleet-2]
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "fleet-*"
# entry: found = "stats-old.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-old.service, and /etc/systemd/system/stats-old.service came with no package"
# entry: reason = "the new one comes in spring"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
UNITS="stats-old stats-mine"
inject() {
	for unit in $UNITS; do
		printf '[Service]\nExecStart=/srv/s/run\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/$unit.service
	done
	systemctl daemon-reload
	systemctl enable -q $UNITS
}
landed() { systemctl is-enabled -q $UNITS; }
mend() {
	systemctl disable -q $UNITS
	for unit in $UNITS; do rm /etc/systemd/system/$unit.service; done
	systemctl daemon-reload
}
