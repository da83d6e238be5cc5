# Logs have a disk of their own: /var/log is a mount over the folder of the system's.
# host: sip-1
# common: hardened hosts
inject() {
	mkdir -p /srv/logs
	cp -a /var/log/. /srv/logs/
	echo '/srv/logs /var/log none bind,nosuid,nodev,noexec 0 0' >>/etc/fstab
	mount --bind /srv/logs /var/log
}
landed() { mountpoint -q /var/log; }
mend() {
	umount --lazy /var/log
	sed -Ei '/^\/srv\/logs/d' /etc/fstab
	rm -r /srv/logs
}
