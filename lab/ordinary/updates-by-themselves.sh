# unattended-upgrades and needrestart, from Debian's packages: security updates by themselves, and a hook of apt's after each.
# host: api-1
# common: most hosts
FILE=/etc/apt/apt.conf.d/52company
inject() {
	package unattended-upgrades needrestart apt-listchanges
	printf 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n' >/etc/apt/apt.conf.d/20auto-upgrades
	printf 'Unattended-Upgrade::Mail "ops@example.com";\nUnattended-Upgrade::Automatic-Reboot "true";\nUnattended-Upgrade::Automatic-Reboot-Time "04:00";\n' >$FILE
	systemctl -q unmask apt-daily.timer apt-daily-upgrade.timer
	systemctl start apt-daily.timer apt-daily-upgrade.timer
}
landed() { systemctl is-active -q unattended-upgrades apt-daily-upgrade.timer && is_installed needrestart; }
mend() {
	systemctl stop apt-daily.timer apt-daily-upgrade.timer
	systemctl -q mask apt-daily.timer apt-daily-upgrade.timer
	rm -f $FILE /etc/apt/apt.conf.d/20auto-upgrades
	package_gone unattended-upgrades needrestart apt-listchanges
}
