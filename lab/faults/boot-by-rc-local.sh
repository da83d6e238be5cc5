# A program of nobody's waits for the next boot, by a script that systemd has run since long before systemd.
# host: sip-1
# violated: boot-starts-only-what-is-known[sip-1]
# follow: mends
inject() {
	printf '#!/bin/sh\n/opt/.x/statistics 8099 &\nexit 0\n' >/etc/rc.local
	chmod 755 /etc/rc.local
}
landed() { [ -x /etc/rc.local ] && [ -s /etc/rc.local ]; }
mend() { rm /etc/rc.local; }
left() { rm -f /etc/rc.local; }
