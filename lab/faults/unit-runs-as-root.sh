# A drop-in makes the dialler run as root.
# host: sip-1
# violated: runs-as-its-user[sip-1-voxdialler]
#   unit-file-is-the-expected[sip-1-voxdialler]
# follow: mends
DROP=/etc/systemd/system/voxdialler.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nUser=root\nGroup=root\n' >$DROP/root.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { [ "$(stat -c %U "/proc/$(systemctl show -P MainPID voxdialler)")" = root ]; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	well voxdialler 8090
}
