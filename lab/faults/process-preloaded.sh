# A variable put a folder before the venv: a module of the dialler is another one than on disk.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler] unit-file-is-the-expected[sip-1-voxdialler]
# follow: mends
DROP=/etc/systemd/system/voxdialler.service.d
inject() {
	mkdir -p $DROP /var/tmp/shadow
	cp -r /opt/vox-dialler/.venv/lib/python3.13/site-packages/prometheus_client /var/tmp/shadow/
	printf '[Service]\nEnvironment=PYTHONPATH=/var/tmp/shadow\n' >$DROP/path.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { tr '\0' '\n' <"/proc/$(systemctl show -P MainPID voxdialler)/environ" | grep -q ^PYTHONPATH=; }
mend() {
	rm -r $DROP /var/tmp/shadow
	systemctl daemon-reload
	well voxdialler 8090
}
