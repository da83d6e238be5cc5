# All timers run that Debian has on: apt, dpkg's backup, fstrim, logrotate, temporary files.
# host: fleet-2
# common: each Debian
TIMERS="apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer fstrim.timer systemd-tmpfiles-clean.timer"
inject() {
	systemctl -q unmask $TIMERS
	systemctl -q start $TIMERS
}
landed() { systemctl is-active -q $TIMERS && systemctl list-timers | grep -q apt-daily-upgrade.service; }
mend() {
	systemctl -q stop $TIMERS
	systemctl -q mask $TIMERS
}
