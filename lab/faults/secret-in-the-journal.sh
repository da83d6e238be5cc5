# The dialler wrote one of its secrets into the journal.
# host: sip-1
# violated: no-secret-leaks[dialler-sip-1]
# follow: by hand, a secret that was seen is changed at its issuer
secret() { sed -n 's/^LIVEKIT_API_SECRET=//p' /opt/vox-dialler/.env; }
inject() {
	detached said bash -c 'echo $$ >/sys/fs/cgroup/system.slice/voxdialler.service/cgroup.procs
		exec systemd-cat -t vox-dialler bash -c "echo connecting with '"$(secret)"'; sleep 20"'
	until_true landed
	ended said
}
landed() { journalctl -q -u voxdialler --since "$(systemctl show -P ActiveEnterTimestamp voxdialler)" -o cat | grep -qF "$(secret)"; }
mend() { well voxdialler 8090; }
