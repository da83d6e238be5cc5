# /opt is a link to a folder on another disk, where there is room.
# host: fleet-2
# common: hosts whose first disk is small
inject() {
	systemctl stop voxcore@1 voxcore@2 voxcore@3
	mv /opt /srv/opt
	ln -s srv/opt /opt
	fleet_well
}
landed() { [ -L /opt ] && [ "$(readlink -f "/proc/$(systemctl show -P MainPID voxcore@1)/cwd")" = /srv/opt/vox-agents ]; }
mend() {
	systemctl stop voxcore@1 voxcore@2 voxcore@3
	rm /opt
	mv /srv/opt /opt
	fleet_well
}
