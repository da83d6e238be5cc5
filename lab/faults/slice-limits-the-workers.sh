# The slice of all workers gets a twentieth of a processor, by a drop-in that no unit of ours has.
# host: fleet-2
# violated: process-gets-what-its-unit-says[fleet-2-*]
# follow: mends
DROP=/etc/systemd/system/system-voxcore.slice.d
inject() {
	mkdir -p $DROP
	printf '[Slice]\nCPUQuota=5%%\n' >$DROP/fair-share.conf
	systemctl daemon-reload
}
landed() { [ "$(systemctl show -P CPUQuotaPerSecUSec system-voxcore.slice)" = 50ms ]; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
}
