# The dialler's unit stands on its host under a second name, enabled: nothing of it runs before the next boot.
# host: sip-1
# violated: one-copy-only[sip-1] boot-starts-only-what-is-known[sip-1]
# follow: mends
UNITS=/etc/systemd/system
inject() {
	sed 's/^\[Unit\]/&\nDescription=nightly statistics/' $UNITS/voxdialler.service >$UNITS/nightly-statistics.service
	systemctl daemon-reload
	systemctl enable -q nightly-statistics
}
landed() { systemctl is-enabled -q nightly-statistics && ! systemctl is-active -q nightly-statistics; }
mend() {
	systemctl disable -q nightly-statistics
	rm $UNITS/nightly-statistics.service
	systemctl daemon-reload
}
