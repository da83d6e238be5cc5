# A folder of the dialler's code was moved aside, another one run from its place, and the first one moved back: no file of it changed.
# host: sip-1
# violated: process-is-the-new-code[sip-1-voxdialler]
# follow: mends
FOLDER=/opt/vox-dialler/vox_dialler
inject() {
	mv $FOLDER /opt/vox-dialler.kept
	cp -a /opt/vox-dialler.kept $FOLDER
	echo '# hotfix' >>$FOLDER/pacing.py
	well voxdialler 8090
	rm -r $FOLDER
	mv /opt/vox-dialler.kept $FOLDER
}
landed() {
	[ ! -e /opt/vox-dialler.kept ] && ! grep -q '# hotfix' $FOLDER/pacing.py &&
		[ "$(stat -c %Z $FOLDER)" -ge "$(stat -c %Y "/proc/$(systemctl show -P MainPID voxdialler)")" ]
}
mend() { well voxdialler 8090; }
