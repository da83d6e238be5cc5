# Each login gets a session and a systemd of its own: libpam-systemd and dbus-user-session, as on each Debian that is no container.
# host: api-1
# common: each Debian
inject() {
	systemctl -q unmask systemd-logind
	package libpam-systemd dbus-user-session
	systemctl start systemd-logind
}
landed() { is_installed libpam-systemd && grep -q pam_systemd /etc/pam.d/common-session; }
mend() {
	package_gone libpam-systemd dbus-user-session
	systemctl stop systemd-logind
	systemctl -q mask systemd-logind
}
