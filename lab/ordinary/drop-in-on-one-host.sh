# One host has less memory, so the backend has limits of its own there, by a drop-in that no other host has.
# host: api-1
# common: estates whose hosts are not all alike
# entry: [units.api-1]
# entry: "/etc/systemd/system/voxbridge.service.d/limits.conf" = "91fddd81c0cfcbd2ea179d6cb271d8299a2ea44e8babd715063f9ee6d2c56cef"
# without: unit-file-is-the-expected[api-1-voxbridge]
DROP=/etc/systemd/system/voxbridge.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nLimitNOFILE=65536\nMemoryMax=2G\n' >$DROP/limits.conf
	systemctl daemon-reload
	well voxbridge 8080
}
landed() { [ "$(systemctl show -P LimitNOFILE voxbridge)" = 65536 ]; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	well voxbridge 8080
}
