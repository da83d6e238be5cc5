# Who comes from outside of the office needs a one-time code beside the key (a Match block); partners bring files by SFTP alone.
# host: data
# common: companies with an audit
# entry: [sshd.data]
# entry: "Match Address *,!198.51.100.0/24" = ["KbdInteractiveAuthentication yes", "AuthenticationMethods publickey,keyboard-interactive:pam"]
# without: keys-are-known[data]
inject() {
	groupadd sftponly
	install -m 644 /dev/stdin /etc/ssh/sshd_config.d/outside.conf <<-'END'
		Match Address *,!198.51.100.0/24
		    KbdInteractiveAuthentication yes
		    AuthenticationMethods publickey,keyboard-interactive:pam
		Match Group sftponly
		    ChrootDirectory /srv/sftp/%u
		    ForceCommand internal-sftp
		    PasswordAuthentication no
		    AllowTcpForwarding no
	END
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T -C user=root,host=x,addr=203.0.113.9 | grep -qx 'kbdinteractiveauthentication yes'; }
mend() {
	rm /etc/ssh/sshd_config.d/outside.conf
	groupdel sftponly
	systemctl reload ssh
}
