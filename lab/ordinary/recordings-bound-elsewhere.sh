# A folder has a second name by a bind mount, read-only, for those who fetch from it; and a small tmpfs for what comes in.
# host: fleet-2
# common: hosts that hand out files
inject() {
	mkdir -p /srv/calls /srv/ftp/calls /srv/incoming
	echo one >/srv/calls/a.wav
	printf '/srv/calls /srv/ftp/calls none bind,ro 0 0\ntmpfs /srv/incoming tmpfs size=64m,nodev,nosuid 0 0\n' >>/etc/fstab
	mount --bind -o ro /srv/calls /srv/ftp/calls
	mount -t tmpfs -o size=64m,nodev,nosuid tmpfs /srv/incoming
}
landed() { [ -f /srv/ftp/calls/a.wav ] && mountpoint -q /srv/incoming; }
mend() {
	umount /srv/ftp/calls /srv/incoming
	sed -Ei '/\/srv\/(ftp|incoming)/d' /etc/fstab
	rm -r /srv/calls /srv/ftp /srv/incoming
}
