# sshd is started by its socket, as Ubuntu does it since 22.10.
# host: sip-1
# common: Ubuntu 22.10 and later
inject() {
	systemctl disable -q --now ssh.service
	systemctl enable -q --now ssh.socket
}
landed() { systemctl is-active -q ssh.socket && ss -Hltnp sport = :22 | grep -q '"systemd"'; }
mend() {
	systemctl disable -q --now ssh.socket
	systemctl stop ssh.service
	systemctl enable -q --now ssh.service
	until_true listens 127.0.0.1 22
}
