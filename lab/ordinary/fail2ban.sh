# fail2ban bans who tries too often, by the journal.
# host: sip-1
# common: most hosts
inject() {
	package fail2ban python3-systemd
	printf '[DEFAULT]\nbackend = systemd\nbantime = 1h\n\n[sshd]\nenabled = true\nmaxretry = 4\n' >/etc/fail2ban/jail.local
	systemctl restart fail2ban
}
landed() { fail2ban-client status sshd; }
mend() { package_gone fail2ban python3-systemd; }
