# backupninja runs its actions each hour by cron; one of them is rsync. Its file of cron.d is the package's, its program cut short.
# host: data
# common: hosts of small companies
# entry: [jobs]
# entry: data = ["/etc/cron.d/backupninja: rsync"]
# without: one-copy-only[data]
inject() {
	mkdir -p /etc/backup.d
	printf 'when = everyday at 01:30\n[source]\ninclude = /var/lib/redis\n[dest]\ntype = remote\nhost = nas.example.com\n' >/etc/backup.d/90.rsync
	install -m 755 /dev/stdin /usr/sbin/backupninja <<-'END'
		#!/bin/bash
		for action in /etc/backup.d/*; do
			/usr/bin/rsync -a /var/lib/redis/ "nas.example.com:backup/$(basename "$action")"
		done
	END
	cat >/etc/cron.d/backupninja <<-'END'
		# /etc/cron.d/backupninja -- cron tab for backupninja
		PATH=/usr/local/sbin:/usr/local/bin:/sbin:/bin:/usr/sbin:/usr/bin
		0 * * * * root if [ -x /usr/sbin/backupninja ]; then /usr/sbin/backupninja; fi
	END
}
landed() { [ -x /usr/sbin/backupninja ] && grep -q sbin/backupninja /etc/cron.d/backupninja; }
mend() { rm -r /etc/cron.d/backupninja /usr/sbin/backupninja /etc/backup.d; }
