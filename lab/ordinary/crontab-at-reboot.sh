# root's crontab does something at each boot: disks are tuned, somebody is told.
# host: data
# common: old hosts
# entry: [boot]
# entry: data = ["/etc/cron.d/at-boot"]
# without: boot-starts-only-what-is-known[data]
FILE=/etc/cron.d/at-boot
inject() {
	install -m 755 /dev/stdin /usr/local/sbin/tune-disks <<-'END'
		#!/bin/sh
		for one in /sys/block/sd*/queue/scheduler; do echo none >"$one" 2>/dev/null; done
		echo "$(hostname) is up" | mail -s boot ops@example.com
	END
	printf 'MAILTO=ops@example.com\n@reboot root /usr/local/sbin/tune-disks\n' >$FILE
}
landed() { [ -x /usr/local/sbin/tune-disks ] && [ -f $FILE ]; }
mend() { rm $FILE /usr/local/sbin/tune-disks; }
