# Whatever systemd starts may open 64 files: a setting for all units, that is in none of them.
# host: api-1
# violated: process-gets-what-its-unit-says[api-1-voxbridge]
# follow: mends
# edit: echo '[Manager]' >"$file"
DROP=/etc/systemd/system.conf.d
inject() {
	mkdir -p $DROP
	printf '[Manager]\nDefaultLimitNOFILE=64\n' >$DROP/60-few-files.conf
	systemctl daemon-reexec
	well voxbridge 8080
}
# A proxy that is told anew would have to do with 64 files too: what changes one does not go beside this.
landed() { systemctl is-active -q haproxy nginx && grep -Eq '^Max open files +64 ' "/proc/$(systemctl show -P MainPID voxbridge)/limits"; }
left() {
	rm -f $DROP/60-few-files.conf
	rmdir --ignore-fail-on-non-empty $DROP
}
mend() {
	rm $DROP/60-few-files.conf
	rmdir --ignore-fail-on-non-empty $DROP
	systemctl daemon-reexec
	well voxbridge 8080
}
