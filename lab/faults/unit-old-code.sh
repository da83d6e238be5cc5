# A checkout went to an older release and back, and nothing was restarted: the files are newer than the process.
# host: sip-1
# violated: process-is-the-new-code[sip-1-voxdialler]
# follow: mends
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	mkdir -p $FAULT && touch $FAULT/now
	as_deploy git -C /opt/vox-dialler checkout -q vox-dialler-2026.06.22-1
	as_deploy git -C /opt/vox-dialler checkout -q vox-dialler-2026.06.24-1
}
landed() { [ $FILE -nt "/proc/$(systemctl show -P MainPID voxdialler)" ]; }
mend() { well voxdialler 8090; }
