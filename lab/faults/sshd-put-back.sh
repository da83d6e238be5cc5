# sshd was started with a setting that was put back afterwards: its files are well, and it takes passwords.
# host: api-1
# violated: keys-are-known[api-1]
# follow: mends
FILE=/etc/ssh/sshd_config.d/00.conf
inject() {
	echo 'PasswordAuthentication yes' >$FILE
	systemctl restart ssh
	sleep 0.1 # what is changed in the same instant is not older
	rm $FILE
}
landed() { [ /etc/ssh/sshd_config.d -nt "/proc/$(systemctl show -P MainPID ssh)" ] && sshd -T | grep -q '^passwordauthentication no'; }
mend() { systemctl restart ssh; }
