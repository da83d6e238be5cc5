# The journal has limits of size and age, and is compressed.
# host: fleet-1
# common: most hosts
FILE=/etc/systemd/journald.conf.d/50-limits.conf
inject() {
	cat >$FILE <<-'END'
		[Journal]
		SystemMaxUse=500M
		SystemKeepFree=1G
		MaxRetentionSec=1month
		MaxFileSec=1week
		Compress=yes
		RateLimitIntervalSec=30s
		RateLimitBurst=10000
	END
	systemctl restart systemd-journald
}
landed() { systemd-analyze cat-config systemd/journald.conf | grep -q ^MaxRetentionSec=1month; }
mend() {
	rm $FILE
	systemctl restart systemd-journald
}
