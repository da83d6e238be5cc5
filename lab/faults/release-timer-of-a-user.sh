# A timer of a user's own systemd pulls, by a script with a harmless name.
# host: fleet-1
# violated: one-copy-only[fleet-1]
# follow: mends
UNITS=/home/deploy/.config/systemd/user
inject() {
	mkdir -p $UNITS /home/deploy/bin
	printf '#!/bin/sh\ncd /opt/vox-agents && git fetch -q && git checkout -q origin/main\n' >/home/deploy/bin/tidy
	chmod 755 /home/deploy/bin/tidy
	printf '[Service]\nExecStart=/home/deploy/bin/tidy\n' >$UNITS/tidy.service
	printf '[Timer]\nOnCalendar=hourly\n[Install]\nWantedBy=timers.target\n' >$UNITS/tidy.timer
	chown -R deploy:deploy /home/deploy/.config /home/deploy/bin
}
landed() { [ -x /home/deploy/bin/tidy ] && [ -s $UNITS/tidy.timer ] && [ -s $UNITS/tidy.service ]; }
mend() { rm -r /home/deploy/.config /home/deploy/bin; }
