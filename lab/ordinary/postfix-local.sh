# Mail of cron goes out by a relay: postfix, for this host alone.
# host: fleet-1
# common: most hosts
# entry: [listeners.fleet-1]
# entry: "postfix.service" = ["loopback:25"]
# without: only-expected-listeners[fleet-1]
inject() {
	echo 'postfix postfix/main_mailer_type select Satellite system' | debconf-set-selections
	echo 'postfix postfix/mailname string fleet-1.example.com' | debconf-set-selections
	echo 'postfix postfix/relayhost string [mail.example.com]' | debconf-set-selections
	package postfix
	postconf -e inet_interfaces=loopback-only
	systemctl restart postfix
}
landed() { listens 127.0.0.1 25; }
mend() {
	package_gone postfix
	echo PURGE | debconf-communicate postfix >/dev/null
}
