# A message of the day, and a script that makes a part of it.
# host: api-1
# common: most companies
FILE=/etc/update-motd.d/99-company
inject() {
	[ ! -e /etc/motd ] || keep /etc/motd
	printf '\n  *** PRODUCTION ***  Changes by ticket only. Questions: ops@example.com\n\n' >/etc/motd
	mkdir -p /etc/update-motd.d
	printf '#!/bin/sh\nuptime -p\ndf -h / | tail -1\n' >$FILE
	chmod 755 $FILE
}
landed() { run-parts --test /etc/update-motd.d | grep -q company && grep -q PRODUCTION /etc/motd; }
mend() {
	rm -f $FILE /etc/motd
	[ ! -e $FAULT/kept/etc/motd ] || back /etc/motd
}
