# A NAS stands in fstab, mounted only when it is wanted.
# host: sip-1
# common: hosts with recordings
inject() {
	keep /etc/fstab
	mkdir -p /mnt/nas
	echo 'nas.example.com:/volume1/recordings /mnt/nas nfs4 noauto,nofail,_netdev,soft,timeo=50 0 0' >>/etc/fstab
	systemctl daemon-reload
}
landed() { systemctl cat mnt-nas.mount | grep -q volume1; }
mend() {
	back /etc/fstab
	rmdir /mnt/nas
	systemctl daemon-reload
}
