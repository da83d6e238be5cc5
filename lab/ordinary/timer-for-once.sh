# Somebody planned something for once, and had a slow thing run aside: systemd-run with a timer, and a transient service.
# host: fleet-1
# common: many hosts, on some day
inject() {
	systemd-run -q --unit=after-the-window --on-active=2d /usr/bin/logger 'the window is over'
	systemd-run -q --unit=slow-thing --nice=19 /usr/bin/sleep 86400
}
landed() { systemctl is-active -q after-the-window.timer && systemctl is-active -q slow-thing; }
mend() { systemctl stop after-the-window.timer slow-thing; }
