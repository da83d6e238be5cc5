# sshd does not forward: no page of this host can be asked.
# host: sip-1
# blind: tick-loop-is-alive[*] metrics-are-well-formed[*] dialler-keeps-its-pace[*] process-is-the-new-code[sip-1-voxdialler] livekit-is-healthy[sip-1]
#   exactly-one-dialler-per-database[vox] answers-come-from-the-unit[sip-1-voxdialler] haproxy-sees-all-workers
# follow: mends
# edit: sed -i 's/^AllowTcpForwarding no/AllowTcpForwarding local/' "$file"
CONFIG=/etc/ssh/sshd_config.d/00-closed.conf
inject() {
	echo 'AllowTcpForwarding no' >$CONFIG
	systemctl reload ssh
}
landed() { sshd -T | grep -qix 'allowtcpforwarding no'; }
left() {
	rm -f $CONFIG
	systemctl reload ssh
}
mend() {
	rm $CONFIG
	systemctl reload ssh
}
