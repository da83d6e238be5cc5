# The distribution's Python runs one line more at each start, in every program of the host.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler]
# follow: by hand, the lab has no mirror to install it from
FILE=/etc/python3.13/sitecustomize.py
inject() {
	keep $FILE
	echo 'import builtins; builtins.planted = True' >>$FILE
	well voxdialler 8090
}
landed() { /opt/vox-dialler/.venv/bin/python -c 'planted'; }
mend() {
	back $FILE
	well voxdialler 8090
}
