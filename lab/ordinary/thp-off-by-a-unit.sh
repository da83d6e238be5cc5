# Huge pages are turned off at boot by a unit of the operator's, as MongoDB's own manual shows it.
# host: data
# common: hosts with MongoDB or redis
# entry: [boot]
# entry: data = ["disable-transparent-huge-pages.service"]
# without: boot-starts-only-what-is-known[data]
UNIT=disable-transparent-huge-pages.service
inject() {
	cat >/etc/systemd/system/$UNIT <<-'END'
		[Unit]
		Description=Disable Transparent Huge Pages (THP)
		DefaultDependencies=no
		After=sysinit.target local-fs.target
		Before=mongod.service

		[Service]
		Type=oneshot
		ExecStart=/bin/sh -c 'echo never | tee /sys/kernel/mm/transparent_hugepage/enabled > /dev/null'

		[Install]
		WantedBy=basic.target
	END
	systemctl daemon-reload
	systemctl enable -q $UNIT
}
landed() { systemctl is-enabled -q $UNIT; }
mend() {
	systemctl disable -q $UNIT
	rm /etc/systemd/system/$UNIT
	systemctl daemon-reload
}
