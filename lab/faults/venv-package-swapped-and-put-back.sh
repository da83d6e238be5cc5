# The same with a package of the environment, which has byte code beside its modules: an import had moved that folder's time before.
# host: sip-1
# violated: process-is-the-new-code[sip-1-voxdialler]
# follow: mends
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
inject() {
	mv $SITE/bson /opt/bson.kept
	cp -a /opt/bson.kept $SITE/bson
	echo '# hotfix' >>$SITE/bson/son.py
	well voxdialler 8090
	rm -r $SITE/bson
	mv /opt/bson.kept $SITE/bson
}
landed() {
	[ ! -e /opt/bson.kept ] && ! grep -q '# hotfix' $SITE/bson/son.py &&
		[ "$(stat -c %Z $SITE/bson)" -ge "$(stat -c %Y "/proc/$(systemctl show -P MainPID voxdialler)")" ]
}
mend() { well voxdialler 8090; }
