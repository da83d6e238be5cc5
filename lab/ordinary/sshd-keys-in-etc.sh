# Keys of all accounts lie in one folder of root's, as companies that hand them out have it, and in no home.
# host: fleet-2
# common: companies that manage keys centrally
inject() {
	install -d /etc/ssh/authorized_keys
	install -m 644 /home/deploy/.ssh/authorized_keys /etc/ssh/authorized_keys/deploy
	printf 'AuthorizedKeysFile /etc/ssh/authorized_keys/%%u\n' >/etc/ssh/sshd_config.d/20-keys.conf
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T | grep -qx 'authorizedkeysfile /etc/ssh/authorized_keys/%u'; }
mend() {
	rm -r /etc/ssh/sshd_config.d/20-keys.conf /etc/ssh/authorized_keys
	systemctl reload ssh
}
