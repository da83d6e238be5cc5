# The environment's interpreter is a copy that lies in a folder for scraps: no package has it, and whoever owns it may change it.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler]
# follow: deploys
LINK=/opt/vox-dialler/.venv/bin/python
inject() {
	cp /usr/bin/python3.13 /var/tmp/py
	ln -sfn /var/tmp/py $LINK
	well voxdialler 8090
}
landed() { [ "$(readlink "/proc/$(systemctl show -P MainPID voxdialler)/exe")" = /var/tmp/py ]; }
left() { rm /var/tmp/py; }
mend() {
	ln -sfn /usr/bin/python3 $LINK
	chown -h deploy:deploy $LINK
	well voxdialler 8090
	rm /var/tmp/py
}
