# Recordings are moved to a bucket every night, by the AWS client.
# host: sip-1
# common: most hosts with recordings
FILE=/etc/cron.daily/upload-recordings
inject() {
	cat >$FILE <<-'END'
		#!/bin/sh
		[ -d /var/spool/recordings ] || exit 0
		/usr/local/bin/aws s3 mv --recursive --only-show-errors /var/spool/recordings s3://company-recordings/$(hostname)/ \
		    --storage-class STANDARD_IA && logger -t recordings "moved to s3"
	END
	chmod 755 $FILE
}
landed() { run-parts --test /etc/cron.daily | grep -q upload; }
mend() { rm $FILE; }
