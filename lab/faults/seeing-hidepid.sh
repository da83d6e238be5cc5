# A hardened host: /proc hides processes, also from what comes by SSH and sudo.
# host: data
# blind: keys-are-known[data] sudo-is-minimal[data] no-node-runs[data] only-livekit-in-containers[data] exactly-one-dialler-per-database[vox]
#   database-sees-one-dialler[vox] clock-is-right[data] only-expected-listeners[data] stores-are-private[data]
#   secret-files-are-roots-alone[data]
# follow: by hand, what takes rights from sshd is a drop-in of whoever hardened the host
DROP=/etc/systemd/system/ssh.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nCapabilityBoundingSet=~CAP_SYS_PTRACE\n' >$DROP/hard.conf
	systemctl daemon-reload
	systemctl restart ssh
	mount -o remount,hidepid=2,gid=65534 /proc
}
landed() { grep -q ' /proc .*hidepid' /proc/mounts && listens 127.0.0.1 22; }
mend() {
	mount -o remount,hidepid=0,gid=0 /proc
	rm -r $DROP
	systemctl daemon-reload
	systemctl restart ssh
}
