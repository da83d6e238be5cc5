# An admin, member of group sudo, may do all without a password.
# host: data
# common: most companies
inject() {
	useradd -m -s /bin/bash -p '*' -G sudo anna
	echo 'anna ALL=(ALL:ALL) NOPASSWD:ALL' >/etc/sudoers.d/90-anna
	chmod 440 /etc/sudoers.d/90-anna
}
landed() { runuser -u anna -- sudo -n id -u | grep -qx 0; }
mend() {
	rm /etc/sudoers.d/90-anna
	userdel -r anna 2>/dev/null
}
