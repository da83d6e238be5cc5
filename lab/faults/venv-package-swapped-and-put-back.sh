# The same with a package of the environment, which has byte code beside its modules: an import had moved that folder's time before.
# host: sip-1
# violated: process-is-the-new-code[sip-1-voxdialler]
# follow: mends
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
inject() {
	mv $SITE/prometheus_client /opt/prometheus_client.kept
	cp -a /opt/prometheus_client.kept $SITE/prometheus_client
	echo '# hotfix' >>$SITE/prometheus_client/exposition.py
	well voxdialler 8090
	rm -r $SITE/prometheus_client
	mv /opt/prometheus_client.kept $SITE/prometheus_client
}
landed() {
	[ ! -e /opt/prometheus_client.kept ] && ! grep -q '# hotfix' $SITE/prometheus_client/exposition.py &&
		[ "$(stat -c %Z $SITE/prometheus_client)" -ge "$(stat -c %Y "/proc/$(systemctl show -P MainPID voxdialler)")" ]
}
mend() { well voxdialler 8090; }
