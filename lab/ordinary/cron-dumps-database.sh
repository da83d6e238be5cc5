# A nightly dump of the database, as a script in cron.daily.
# host: data
# common: most hosts with data
FILE=/etc/cron.daily/mongodump
inject() {
	cat >$FILE <<-'END'
		#!/bin/sh
		set -e
		DEST=/var/backups/mongodb
		mkdir -p "$DEST"
		mongodump --quiet --gzip --archive="$DEST/vox-$(date +%F).gz" --db=vox
		find "$DEST" -name 'vox-*.gz' -mtime +14 -delete
	END
	chmod 755 $FILE
}
landed() { run-parts --test /etc/cron.daily | grep -q mongodump; }
mend() { rm $FILE; }
