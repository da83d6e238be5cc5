# sshd takes passwords again.
# host: fleet-1
# violated: keys-are-known[fleet-1]
# follow: by hand, nobody has followed it on a lab yet
CONFIG=/etc/ssh/sshd_config.d/00-open.conf
inject() {
	echo 'PasswordAuthentication yes' >$CONFIG
	systemctl reload ssh
}
landed() { sshd -T | grep -qix 'passwordauthentication yes'; }
mend() {
	rm $CONFIG
	systemctl reload ssh
}
