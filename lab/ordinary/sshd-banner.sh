# sshd shows a banner, lets root in by no way, and counts the attempts.
# host: api-1
# common: hosts that were hardened by a guide
inject() {
	echo 'Authorized use only.' >/etc/issue.net
	printf '%s\n' 'Banner /etc/issue.net' 'PermitRootLogin no' 'MaxAuthTries 4' 'LoginGraceTime 30' >/etc/ssh/sshd_config.d/10-hardening.conf
	systemctl reload ssh.service
}
landed() { sshd -T | grep -q '^banner /etc/issue.net' && sshd -T | grep -q '^maxauthtries 4'; }
mend() {
	rm -f /etc/ssh/sshd_config.d/10-hardening.conf /etc/issue.net
	systemctl reload ssh.service
}
