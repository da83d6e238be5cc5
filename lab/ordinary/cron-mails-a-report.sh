# A weekly report by mail; its subject, and what it tells, names programs that it does not run.
# host: api-1
# common: many hosts
inject() {
	install -m 755 /dev/stdin /etc/cron.weekly/report <<-'END'
		#!/bin/sh
		# What the logs, the git mirrors and the backups take.
		{
			echo "sizes on $(hostname): logs, git, rsync"
			du -sh /var/log /var/backups  # no git here, and no npm
		} 2>&1 | mail -s "logs, git, backups" ops@example.com
		logger -t report "report sent, rsync is another job"
	END
	echo '5 6 * * 1 root [ -d /var/log ] && echo "weekly: git and rsync are fine"  # pip too' >/etc/cron.d/weekly-report
}
landed() { [ -x /etc/cron.weekly/report ] && grep -q 'git and rsync' /etc/cron.d/weekly-report; }
mend() { rm /etc/cron.weekly/report /etc/cron.d/weekly-report; }
