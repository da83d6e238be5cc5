# Images and containers that nobody uses are removed each week; a settings file of another tool lies beside the engine's.
# host: sip-1
# common: most hosts with docker
FILE=/etc/cron.weekly/docker-prune
inject() {
	printf '#!/bin/sh\n/usr/bin/docker system prune --force --filter until=168h >/var/log/docker-prune.log 2>&1\n' >$FILE
	chmod 755 $FILE
}
landed() { run-parts --test /etc/cron.weekly | grep -q prune; }
mend() { rm $FILE; }
