# /tmp is a tmpfs on which nothing can be executed, as CIS benchmarks ask.
# host: fleet-2
# common: hardened hosts
inject() {
	keep /etc/fstab
	echo 'tmpfs /tmp tmpfs defaults,rw,nosuid,nodev,noexec,relatime,size=2G 0 0' >>/etc/fstab
	mount -o remount,nosuid,nodev,noexec /tmp
}
landed() { findmnt -n -o OPTIONS /tmp | grep -q noexec; }
mend() {
	mount -o remount,exec,nosuid,nodev /tmp
	back /etc/fstab
}
