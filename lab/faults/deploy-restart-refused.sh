# sudo lets the gate restart the dialler, and systemd does not do it.
# host: sip-1
# deploy: dialler
# violated: service-was-restarted[dialler-sip-1]
# blind: service-became-healthy[dialler-sip-1]
# follow: by hand, the deploy has gone back by itself: what its hint says is for the next one
SYSTEMCTL=/usr/bin/systemctl
inject() {
	mv $SYSTEMCTL $SYSTEMCTL.away
	cat >$SYSTEMCTL <<-'END'
		#!/bin/sh
		case "$1 $2" in "stop voxdialler"*) echo "Failed to stop $2: Access denied" >&2; exit 4 ;; esac
		exec /usr/bin/systemctl.away "$@"
	END
	chmod 755 $SYSTEMCTL
}
landed() { grep -q 'Access denied' $SYSTEMCTL; }
mend() {
	mv $SYSTEMCTL.away $SYSTEMCTL
	well voxdialler 8090
}
