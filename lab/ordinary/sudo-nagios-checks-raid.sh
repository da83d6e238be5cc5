# Monitoring by SSH: the account nagios runs one check as root, exactly.
# host: api-1
# common: most hosts that Nagios or Icinga asks
# entry: [sudo.api]
# entry: nagios = ["/usr/lib/nagios/plugins/check_raid", "/usr/lib/nagios/plugins/check_disk -w 10% -c 5%"]
# without: sudo-is-minimal[api-1]
inject() {
	useradd --system -m -d /var/lib/nagios -s /bin/sh nagios
	install -D -m 755 /dev/stdin /usr/lib/nagios/plugins/check_raid <<<$'#!/bin/sh\necho OK'
	install -m 755 /dev/stdin /usr/lib/nagios/plugins/check_disk <<<$'#!/bin/sh\necho OK'
	install -m 440 /dev/stdin /etc/sudoers.d/nagios <<-'END'
		nagios ALL=(root) NOPASSWD: /usr/lib/nagios/plugins/check_raid, \
		    /usr/lib/nagios/plugins/check_disk -w 10% -c 5%
	END
}
landed() { runuser -u nagios -- sudo -n /usr/lib/nagios/plugins/check_raid | grep -qx OK; }
mend() {
	rm /etc/sudoers.d/nagios
	rm -r /usr/lib/nagios
	userdel -r nagios 2>/dev/null
}
