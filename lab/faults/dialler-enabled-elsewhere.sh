# The dialler's unit is linked for the next boot of a fleet host, by hand: systemd has not read it yet.
# host: fleet-1
# violated: dialler-is-on-the-sip-host[fleet-1] boot-starts-only-what-is-known[fleet-1]
# follow: mends
UNITS=/etc/systemd/system
inject() {
	printf '[Service]\nExecStart=/bin/true\n[Install]\nWantedBy=multi-user.target\n' >$UNITS/voxdialler.service
	ln -s ../voxdialler.service $UNITS/multi-user.target.wants/voxdialler.service
}
landed() { [ -L $UNITS/multi-user.target.wants/voxdialler.service ]; }
mend() { rm $UNITS/voxdialler.service $UNITS/multi-user.target.wants/voxdialler.service; }
