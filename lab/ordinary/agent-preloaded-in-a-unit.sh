# An agent has a library loaded into one service, by LD_PRELOAD in a drop-in, as AppDynamics and New Relic do. A library that is
# here anyway takes its place.
# host: sip-1
# common: hosts with an agent that watches applications
# entry: [units.sip-1]
# entry: "/etc/systemd/system/voxdialler.service.d/agent.conf" = "fdb459ea29b9da67dc0762a4c727c39b59577ab5ce5ba5186b3eb758779d749c"
# entry: [preload]
# entry: sip-1 = ["/opt/appdynamics/lib64/libpreload.so"]
# without: unit-file-is-the-expected[sip-1-voxdialler] process-is-the-venvs[sip-1-voxdialler]
DROP=/etc/systemd/system/voxdialler.service.d
AGENT=/opt/appdynamics/lib64
inject() {
	mkdir -p $DROP $AGENT
	cp /usr/lib/*/libbz2.so.1.0 $AGENT/libpreload.so
	printf '[Service]\nEnvironment=LD_PRELOAD=%s/libpreload.so\n' $AGENT >$DROP/agent.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { grep -q libpreload "/proc/$(systemctl show -P MainPID voxdialler)/maps"; }
mend() {
	rm -r $DROP /opt/appdynamics
	systemctl daemon-reload
	well voxdialler 8090
}
