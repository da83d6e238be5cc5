# The host's time zone is Asia/Kolkata, half an hour beside all others.
# host: fleet-1
# common: companies in India
inject() {
	[ ! -e /etc/localtime ] && [ ! -L /etc/localtime ] || keep /etc/localtime
	[ ! -e /etc/timezone ] || keep /etc/timezone
	ln -sfn /usr/share/zoneinfo/Asia/Kolkata /etc/localtime
	echo Asia/Kolkata >/etc/timezone
	systemctl try-restart cron
}
landed() { [ "$(env -u TZ date +%z)" = +0530 ]; }
mend() {
	rm -f /etc/localtime /etc/timezone
	[ ! -L $FAULT/kept/etc/localtime ] && [ ! -e $FAULT/kept/etc/localtime ] || back /etc/localtime
	[ ! -e $FAULT/kept/etc/timezone ] || back /etc/timezone
	systemctl try-restart cron
}
