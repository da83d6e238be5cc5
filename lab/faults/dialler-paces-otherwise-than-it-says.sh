# Its pacing is patched: it says that it ticks once a second, and ticks nine times.
# host: sip-1
# violated: dialler-keeps-its-pace[sip-1-voxdialler] tree-is-the-commit[dialler-sip-1]
# follow: deploys
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	sed -i 's|return interval - (now - began) % interval|return interval / 9|' $FILE
	well voxdialler 8090
}
landed() { grep -q 'interval / 9' $FILE && get /health 8090 | grep -q '"tick_interval_seconds":1'; }
mend() {
	as_deploy git -C /opt/vox-dialler checkout -q -- vox_dialler/pacing.py
	well voxdialler 8090
}
