# In the dialler's own mount namespace another file lies over one of its modules: on disk all is well.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler] unit-file-is-the-expected[sip-1-voxdialler]
# follow: mends
MODULE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	keep /etc/systemd/system/voxdialler.service
	sed -i 's/^NoNewPrivileges=.*/&\nPrivateMounts=yes/' /etc/systemd/system/voxdialler.service
	systemctl daemon-reload
	well voxdialler 8090
	nsenter -t "$(systemctl show -P MainPID voxdialler)" -m mount --bind /etc/hostname $MODULE
	back /etc/systemd/system/voxdialler.service
	systemctl daemon-reload
}
landed() { grep -q pacing.py "/proc/$(systemctl show -P MainPID voxdialler)/mountinfo" && ! grep -q pacing.py /proc/mounts; }
mend() { well voxdialler 8090; }
