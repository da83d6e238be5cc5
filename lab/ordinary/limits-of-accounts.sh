# More open files for accounts and for all units, and no core dumps.
# host: fleet-1
# common: hosts with many connections
inject() {
	printf '*    soft nofile 65536\n*    hard nofile 131072\nroot hard core 0\n*    hard core 0\n' >/etc/security/limits.d/90-company.conf
	mkdir -p /etc/systemd/system.conf.d /etc/systemd/coredump.conf.d
	printf '[Manager]\nDefaultLimitNOFILE=65536:524288\nDefaultLimitCORE=0\nDefaultTasksMax=80%%\n' >/etc/systemd/system.conf.d/50-limits.conf
	printf '[Coredump]\nStorage=none\n' >/etc/systemd/coredump.conf.d/50-none.conf
	systemctl daemon-reload
}
landed() { systemd-analyze cat-config systemd/system.conf | grep -qx DefaultLimitCORE=0; }
mend() {
	rm -r /etc/security/limits.d/90-company.conf /etc/systemd/system.conf.d /etc/systemd/coredump.conf.d
	systemctl daemon-reload
}
