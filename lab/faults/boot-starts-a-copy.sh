# The dialler's unit is copied to where packages have theirs, under another name, and linked there for the next boot.
# host: sip-1
# violated: boot-starts-only-what-is-known[sip-1]
# follow: mends
UNITS=/usr/lib/systemd/system
inject() {
	cp /etc/systemd/system/voxdialler.service $UNITS/stats.service
	ln -s ../stats.service $UNITS/multi-user.target.wants/stats.service
}
landed() { systemctl cat stats 2>/dev/null | grep -q vox_dialler; }
mend() { rm $UNITS/multi-user.target.wants/stats.service $UNITS/stats.service; }
