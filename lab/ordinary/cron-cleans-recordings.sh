# root's own crontab removes old recordings and temporary files.
# host: sip-1
# common: most companies
inject() {
	crontab -u root - <<-'END'
		MAILTO=ops@example.com
		# m h dom mon dow command
		0 3 * * * find /var/tmp/recordings -type f -mtime +30 -delete
		*/5 * * * * /usr/bin/test -d /var/tmp/recordings || /usr/bin/mkdir -p /var/tmp/recordings
		30 4 * * 0 /usr/bin/find /var/log -name '*.gz' -mtime +90 -delete >/dev/null 2>&1
	END
}
landed() { crontab -l -u root | grep -q mtime; }
mend() { crontab -r -u root; }
