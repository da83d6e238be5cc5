# The gate's right to run the probe was taken from it.
# host: api-1
# blind: *[*api-1*] !release-is-on-main[*] !backend-health-is-clean[*]
#   exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox] haproxy-sees-all-workers
# cause: api-1: could not look (denied): sudo refused
# follow: mends
inject() {
	keep /etc/sudoers.d/voxgate
	rm /etc/sudoers.d/voxgate
}
landed() { ! as_deploy sudo -n -l /usr/local/sbin/voxgate-probe; }
mend() { back /etc/sudoers.d/voxgate; }
left() {
	rm /etc/sudoers.d/zz-voxgate
	mend
}
