# sshd takes passwords again.
# host: fleet-1
# violated: keys-are-known[fleet-1]
# follow: mends
# edit: sed -i 's/^PasswordAuthentication yes/# &/' "$file"
CONFIG=/etc/ssh/sshd_config.d/00-open.conf
inject() {
	echo 'PasswordAuthentication yes' >$CONFIG
	systemctl reload ssh
}
landed() { sshd -T | grep -qix 'passwordauthentication yes'; }
left() {
	rm -f $CONFIG
	systemctl reload ssh
}
mend() {
	rm $CONFIG
	systemctl reload ssh
}
