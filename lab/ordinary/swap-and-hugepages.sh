# A file for swap in fstab, and another of systemd's zram-generator's settings.
# host: data
# common: small hosts
inject() {
	truncate -s 16M /swapfile
	chmod 600 /swapfile
	echo '/swapfile none swap sw,nofail 0 0' >>/etc/fstab
	printf '[zram0]\nzram-size = ram / 2\n' >/etc/systemd/zram-generator.conf
	systemctl daemon-reload
}
landed() { grep -q swapfile /etc/fstab; }
mend() {
	sed -Ei '/swapfile/d' /etc/fstab
	rm /swapfile /etc/systemd/zram-generator.conf
	systemctl daemon-reload
}
