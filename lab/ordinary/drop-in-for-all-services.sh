# The operators have a drop-in for every service of a host: no core dumps, half a minute to stop in.
# host: sip-1
# common: many hosts
# entry: [units.all]
# entry: "/etc/systemd/system/service.d/10-ops.conf" = "d62396594660a7fbd9d6ac33d658f2ca0f1454fbdc8ffa349e125897c3090c24"
# without: unit-file-is-the-expected[sip-1-voxdialler]
DROP=/etc/systemd/system/service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nLimitCORE=0\nTimeoutStopSec=30\n' >$DROP/10-ops.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { [ "$(systemctl show -P LimitCORE voxdialler)" = 0 ]; }
mend() {
	rm $DROP/10-ops.conf
	rmdir --ignore-fail-on-non-empty $DROP
	systemctl daemon-reload
	well voxdialler 8090
}
