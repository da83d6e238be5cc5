# sshd is hardened as CIS benchmarks ask: a banner, groups that may log in, few tries, few sessions on a connection.
# host: fleet-2
# common: most companies
FILE=/etc/ssh/sshd_config.d/10-hardening.conf
inject() {
	groupadd -f sshusers
	usermod -aG sshusers deploy
	keep /etc/issue.net
	echo 'Authorised use only. All activity is recorded.' >/etc/issue.net
	cat >$FILE <<-'END'
		Banner /etc/issue.net
		PermitRootLogin no
		PermitEmptyPasswords no
		AllowGroups sshusers
		MaxAuthTries 3
		MaxSessions 2
		LoginGraceTime 30
		ClientAliveInterval 300
		ClientAliveCountMax 3
		X11Forwarding no
		AllowAgentForwarding no
		LogLevel VERBOSE
		IgnoreRhosts yes
		HostbasedAuthentication no
		Ciphers chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com
		MACs hmac-sha2-512-etm@openssh.com,hmac-sha2-256-etm@openssh.com
	END
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T | grep -qx 'allowgroups sshusers' && sshd -T | grep -qx 'maxsessions 2'; }
mend() {
	rm $FILE
	systemctl reload ssh
	gpasswd -d deploy sshusers
	groupdel sshusers
	back /etc/issue.net
}
