# Units of the system's have settings of the operators': nginx starts again when it died, ssh is not killed for memory, journald
# has more room, users' slices have limits.
# host: api-1
# common: most companies
inject() {
	local one
	for one in nginx.service ssh.service user-.slice systemd-journald.service; do mkdir -p /etc/systemd/system/$one.d; done
	printf '[Service]\nRestart=on-failure\nRestartSec=2s\nLimitNOFILE=65536\n' >/etc/systemd/system/nginx.service.d/override.conf
	printf '[Service]\nOOMScoreAdjust=-900\n' >/etc/systemd/system/ssh.service.d/override.conf
	printf '[Slice]\nMemoryMax=80%%\nTasksMax=4096\n' >/etc/systemd/system/user-.slice.d/50-limits.conf
	printf '[Service]\nNice=-5\n' >/etc/systemd/system/systemd-journald.service.d/nice.conf
	systemctl daemon-reload
}
landed() { [ "$(systemctl show -P OOMScoreAdjust ssh)" = -900 ]; }
mend() {
	rm -r /etc/systemd/system/{nginx.service,ssh.service,user-.slice,systemd-journald.service}.d
	systemctl daemon-reload
}
