# The dialler runs by the system's Python, with the venv's packages.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler] unit-file-is-the-expected[sip-1-voxdialler]
# follow: mends
DROP=/etc/systemd/system/voxdialler.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nExecStart=\nExecStart=/usr/bin/python3 -c "%s"\n' "import sys, runpy; \
sys.path[:0] = ['/opt/vox-dialler', '/opt/vox-dialler/.venv/lib/python3.13/site-packages']; \
sys.argv[:] = ['vox_dialler']; runpy.run_module('vox_dialler', run_name='__main__')" >$DROP/python.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { tr '\0' ' ' <"/proc/$(systemctl show -P MainPID voxdialler)/cmdline" | grep -q ^/usr/bin/python3; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	well voxdialler 8090
}
