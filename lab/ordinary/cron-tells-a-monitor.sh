# Monitors are told by cron that the host lives, and how full its disks and its services' answers are: curl, df, a heartbeat.
# host: api-1
# common: most companies
FILE=/etc/cron.d/heartbeat
inject() {
	cat >$FILE <<-'END'
		*/5 * * * * nobody curl -fsS -m 10 --retry 3 https://hc-ping.example.com/0e8f2a >/dev/null 2>&1
		* * * * * nobody curl -fsS -m 5 http://127.0.0.1:8080/health | logger -t health
		0 7 * * 1 root { df -h /opt /var; uptime; last -n 20; } | mail -s "week of api-1" ops@example.com
	END
}
landed() { [ -f $FILE ]; }
mend() { rm $FILE; }
