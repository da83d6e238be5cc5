# A customer fetches files by SFTP alone: an account in a folder of root's, shut in by a Match block.
# host: sip-1
# common: companies that hand out recordings
# entry: [keys.sip-1]
# entry: customer = ["SHA256:7YzVON3HZ8Q/Xac/M5WyL+6EVUpeiQpKogrpDr4r15E"]
# without: keys-are-known[sip-1]
KEY='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4x59DmD8Agg+nfMQ5T/lwIOswNvF0cq218+HYedwW/ customer@example.com'
inject() {
	groupadd sftponly
	useradd -m -d /srv/sftp/customer -s /usr/sbin/nologin -p '*' -G sftponly customer
	chown root:root /srv/sftp/customer
	install -d -m 700 -o customer /srv/sftp/customer/.ssh
	install -m 600 -o customer /dev/stdin /srv/sftp/customer/.ssh/authorized_keys <<<"$KEY"
	install -m 644 /dev/stdin /etc/ssh/sshd_config.d/30-sftp.conf <<-'END'
		Match Group sftponly
		    ChrootDirectory %h
		    ForceCommand internal-sftp
		    AllowTcpForwarding no
		    X11Forwarding no
	END
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T -C user=customer,host=x,addr=203.0.113.9 | grep -qx 'forcecommand internal-sftp'; }
mend() {
	rm /etc/ssh/sshd_config.d/30-sftp.conf
	systemctl reload ssh
	userdel customer
	groupdel sftponly
	rm -r /srv/sftp
}
