# Where distributions keep their drop-ins for every service lies one of nobody's, by which the dialler reads another file.
# host: sip-1
# violated: unit-file-is-the-expected[sip-1-voxdialler] process-is-the-venvs[sip-1-voxdialler]
#   boot-starts-only-what-is-known[sip-1]
# follow: mends
FOLDER=/usr/lib/systemd/system/service.d
inject() {
	mkdir $FOLDER
	printf '[Service]\nBindReadOnlyPaths=-/etc/hostname:/opt/vox-dialler/README.md\n' >$FOLDER/z.conf
	systemctl daemon-reload
	well voxdialler 8090
}
landed() { grep -q vox-dialler/README.md "/proc/$(systemctl show -P MainPID voxdialler)/mountinfo"; }
mend() {
	rm -r $FOLDER
	systemctl daemon-reload
	well voxdialler 8090
}
