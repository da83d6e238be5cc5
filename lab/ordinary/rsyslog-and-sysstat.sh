# rsyslog writes log files that logrotate turns over, sysstat counts every ten minutes, auditd notes what root does.
# host: fleet-1
# common: most hosts
inject() {
	package rsyslog logrotate sysstat auditd
	sed -i 's/^ENABLED=.*/ENABLED="true"/' /etc/default/sysstat
	systemctl enable -q --now sysstat
	systemctl -q unmask logrotate.timer
	systemctl start logrotate.timer
	printf '*.* action(type="omfwd" target="logs.example.com" port="6514" protocol="tcp")\n' >/etc/rsyslog.d/90-forward.conf
	printf '%s\n' '-w /etc/sudoers -p wa -k sudoers' >/etc/audit/rules.d/50-company.rules
	systemctl restart rsyslog
	logger -t ordinary 'rsyslog writes'
}
landed() { systemctl is-active -q rsyslog logrotate.timer sysstat-collect.timer && grep -q 'rsyslog writes' /var/log/syslog; }
mend() {
	systemctl stop logrotate.timer
	systemctl -q mask logrotate.timer
	rm -f /etc/rsyslog.d/90-forward.conf /etc/audit/rules.d/50-company.rules
	package_gone rsyslog logrotate sysstat auditd
	rm -f /var/log/syslog /var/log/auth.log /var/log/kern.log /var/log/cron.log /var/log/user.log
}
