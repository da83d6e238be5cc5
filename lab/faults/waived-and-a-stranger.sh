# One unit that boot starts is accepted in writing. A second one, on the same host, is not.
# host: fleet-2
# violated: boot-starts-only-what-is-known[fleet-2]
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-old.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-old.service, and /etc/systemd/system/stats-old.service came with no package"
# entry: reason = "the new one comes in spring"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-gone.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-gone.service, and /etc/systemd/system/stats-gone.service came with no package"
# entry: reason = "it goes with the old datacenter"
# entry: by = "ops@example.com"
# entry: until = {in -1 days}
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "*"
# entry: found = "stats-last.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/stats-last.service, and /etc/systemd/system/stats-last.service came with no package"
# entry: reason = "it is taken out next week"
# entry: by = "ops@example.com"
# entry: until = {in 5 days}
# entry: [[waived]]
# entry: rule = "only-expected-listeners"
# entry: subject = "*"
# entry: found = "stats-web.service listens on 0.0.0.0:9191, and the estate does not say so"
# entry: reason = "until it listens on loopback"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
# follow: mends
UNITS="stats-old stats-mine"
inject() {
	for unit in $UNITS; do
		printf '[Service]\nExecStart=/srv/s/run\n[Install]\nWantedBy=multi-user.target\n' >/etc/systemd/system/$unit.service
	done
	systemctl daemon-reload
	systemctl enable -q $UNITS
}
landed() { systemctl is-enabled -q stats-mine; }
mend() {
	for unit in $UNITS; do # one of them may be gone by what was typed
		systemctl disable -q $unit || true
		rm -f /etc/systemd/system/$unit.service
	done
	systemctl daemon-reload
}
