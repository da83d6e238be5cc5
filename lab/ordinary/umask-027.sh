# New files are for owner and group alone: umask 027 for logins.
# host: fleet-2
# common: hardened hosts
inject() {
	keep /etc/login.defs
	sed -i 's/^UMASK.*/UMASK 027/' /etc/login.defs
	echo 'umask 027' >/etc/profile.d/umask.sh
}
landed() { [ "$(bash -lc umask)" = 0027 ]; }
mend() {
	rm /etc/profile.d/umask.sh
	back /etc/login.defs
}
