# Accounts see their own processes alone: /proc with hidepid, and a group that sees all.
# host: fleet-1
# common: hardened hosts
inject() {
	groupadd --system procview
	echo "proc /proc proc defaults,nosuid,nodev,noexec,relatime,hidepid=2,gid=$(getent group procview | cut -d: -f3) 0 0" >>/etc/fstab
	mount -o "remount,hidepid=2,gid=$(getent group procview | cut -d: -f3)" /proc
}
landed() { findmnt -n -o OPTIONS /proc | grep -qE 'hidepid=(2|invisible)'; }
mend() {
	mount -o remount,hidepid=0,gid=0 /proc
	sed -Ei '/hidepid/d' /etc/fstab
	groupdel procview
}
