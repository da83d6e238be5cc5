# A vendor's agent that is on its way out is accepted in writing, until a day.
# host: fleet-2
# common: companies in a migration
# entry: [[waived]]
# entry: rule = "boot-starts-only-what-is-known"
# entry: subject = "fleet-2"
# entry: found = "legacy-agent.service starts at the next boot, by /etc/systemd/system/multi-user.target.wants/legacy-agent.service, and /etc/systemd/system/legacy-agent.service came with no package"
# entry: reason = "it goes with the old datacenter"
# entry: by = "ops@example.com"
# entry: until = {in 30 days}
# without: boot-starts-only-what-is-known[fleet-2]
UNIT=/etc/systemd/system/legacy-agent.service
inject() {
	cat >$UNIT <<-'END'
		[Unit]
		Description=The agent of the old monitoring

		[Service]
		ExecStart=/bin/sleep infinity

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now legacy-agent
}
landed() { systemctl is-active -q legacy-agent; }
mend() {
	systemctl disable -q --now legacy-agent
	rm $UNIT
	systemctl daemon-reload
}
