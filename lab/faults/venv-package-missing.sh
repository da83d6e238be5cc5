# A package was removed from the environment; the running process has it in memory, the next start fails.
# host: sip-1
# violated: venv-is-the-lock[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: deploys
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
inject() { mkdir -p $FAULT && mv $SITE/prometheus_client $SITE/prometheus_client-*.dist-info $FAULT/; }
landed() { ! /opt/vox-dialler/.venv/bin/python -c 'import prometheus_client'; }
left() { rm -r $FAULT/prometheus_client*; }
mend() {
	mv $FAULT/prometheus_client* $SITE/
	well voxdialler 8090
}
