# One host has less memory, so the backend has limits of its own there, by a drop-in that no other host has.
# host: api-1
# common: estates whose hosts are not all alike
# entry: [units.api-1]
# entry: "/etc/systemd/system/voxbridge.service.d/limits.conf" = "676466a6ccdfad87f446aa3ba1e6d7f9643bab916a2b4b515de65d931f8facf0"
# without: unit-file-is-the-expected[api-1-voxbridge]
DROP=/etc/systemd/system/voxbridge.service.d
inject() {
	mkdir -p $DROP
	printf '[Service]\nLimitNOFILE=65536\nMemoryMax=2G\nRestart=always\n' >$DROP/limits.conf
	systemctl daemon-reload
	well voxbridge 8080
}
landed() { [ "$(systemctl show -P LimitNOFILE voxbridge)" = 65536 ]; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	well voxbridge 8080
}
