# A unit that boot starts was accepted in writing until yesterday.
# host: fleet-2
# violated: boot-starts-only-what-is-known[fleet-2]
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "fleet-*"
# entry: found = "stats-old.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-old.service, and /etc/systemd/system/stats-old.service came with no package"
# entry: reason = "the new one comes in spring"
# entry: by = "ops@example.com"
# entry: until = {in -1 days}
UNIT=/etc/systemd/system/stats-old.service
inject() {
	printf '[Service]\nExecStart=/srv/s/run\n[Install]\nWantedBy=multi-user.target\n' >$UNIT
	systemctl daemon-reload
	systemctl enable -q stats-old
}
landed() { systemctl is-enabled -q stats-old; }
mend() {
	systemctl disable -q stats-old
	rm $UNIT
	systemctl daemon-reload
}
