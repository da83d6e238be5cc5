# A module was edited in the environment, the service restarted, and the module put back: what runs is on no disk.
# host: sip-1
# violated: process-is-the-new-code[sip-1-voxdialler]
# follow: mends
FILE=/opt/vox-dialler/.venv/lib/python3.13/site-packages/pymongo/uri_parser.py
inject() {
	keep $FILE
	echo '# hotfix' >>$FILE
	well voxdialler 8090
	cp -p $FAULT/kept$FILE $FILE
}
landed() { cmp $FILE $FAULT/kept$FILE && [ "$(stat -c %Z $FILE)" -ge "$(stat -c %Y "/proc/$(systemctl show -P MainPID voxdialler)")" ]; }
mend() {
	rm $FAULT/kept$FILE
	well voxdialler 8090
}
