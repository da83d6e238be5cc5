# logind keeps the sessions, as on each Debian that is no container.
# host: fleet-1
# common: each Debian
inject() {
	systemctl -q unmask systemd-logind
	systemctl start systemd-logind
}
landed() { busctl list --no-pager | grep -q org.freedesktop.login1.*systemd-logind; }
mend() {
	systemctl stop systemd-logind
	systemctl -q mask systemd-logind
}
