# A drop-in changes how the backend runs; no repository has it.
# host: api-1
# violated: unit-file-is-the-expected[api-1-voxbridge]
# follow: mends
DROP=/etc/systemd/system/voxbridge.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nNice=5\n' >$DROP/nice.conf
	systemctl daemon-reload
	well voxbridge 8080
}
landed() { [ "$(systemctl show -P Nice voxbridge)" = 5 ]; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	well voxbridge 8080
}
