# sshd was started with an option that its files do not have: sshd -T knows nothing of it.
# host: api-1
# violated: keys-are-known[api-1]
# follow: mends
# edit: sed -i '/^SSHD_OPTS=.*PasswordAuthentication=yes/d' "$file"
inject() {
	keep /etc/default/ssh
	echo 'SSHD_OPTS="-o PasswordAuthentication=yes"' >>/etc/default/ssh
	systemctl restart ssh
}
landed() { tr '\0' ' ' <"/proc/$(systemctl show -P MainPID ssh)/cmdline" | grep -q PasswordAuthentication=yes; }
mend() {
	back /etc/default/ssh
	systemctl restart ssh
}
