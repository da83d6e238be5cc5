# A nightly mongodump by cron.daily, at work while we look; mongodump is a stand-in that connects and holds its connection.
# host: data
# common: every estate that has backups
# entry: [clients]
# entry: data = [{ account = "root", program = "/usr/bin/mongodump" }]
# without: database-sees-one-dialler[vox]
inject() {
	cp /bin/busybox /usr/bin/mongodump
	printf '#!/bin/sh\n/usr/bin/mongodump --quiet --archive=/var/backups/vox.gz --gzip\n' >/etc/cron.daily/mongodump
	chmod 755 /etc/cron.daily/mongodump
	# shellcheck disable=SC2016 # it is the other shell's
	detached mongodump bash -c 'echo $$ >/sys/fs/cgroup/system.slice/cron.service/cgroup.procs
		exec -a busybox /usr/bin/mongodump nc 127.0.0.1 27017 < <(exec sleep 1000)'
	until_true landed
}
landed() { ss -tnp | grep -q '127.0.0.1:27017 *users:(("mongodump"\|127.0.0.1:27017 *users:(("busybox"'; }
mend() {
	ended mongodump
	rm /usr/bin/mongodump /etc/cron.daily/mongodump
}
