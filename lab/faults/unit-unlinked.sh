# The link by which a worker starts at boot is removed by hand: systemd still says enabled.
# host: fleet-1
# violated: unit-is-active[fleet-1-voxcore@2]
# follow: mends
LINK=/etc/systemd/system/multi-user.target.wants/voxcore@2.service
inject() { rm $LINK; }
landed() { [ ! -e $LINK ] && systemctl is-active -q voxcore@2; }
mend() {
	ln -s /etc/systemd/system/voxcore@.service $LINK
	systemctl daemon-reload
}
