# /etc/rc.local, as on hosts that have been there for long.
# host: fleet-1
# common: old hosts
# entry: [boot]
# entry: fleet-1 = ["/etc/rc.local"]
# without: boot-starts-only-what-is-known[fleet-1]
inject() {
	printf '#!/bin/sh -e\necho never >/sys/kernel/mm/transparent_hugepage/enabled || true\nip link set host0 txqueuelen 10000\nexit 0\n' >/etc/rc.local
	chmod 755 /etc/rc.local
	systemctl daemon-reload
}
landed() { systemctl show -P UnitFileState,LoadState,WantedBy rc-local.service | grep -q multi-user.target; }
mend() {
	rm /etc/rc.local
	systemctl daemon-reload
}
