# Nothing keeps the host's clock in time. (A lab host borrows the machine's clock; this one says that it has its own.)
# host: data
# violated: clock-is-right[data]
# follow: by hand, a lab host has no clock of its own to keep
inject() { mv /run/systemd/container /run/systemd/container.away; }
landed() { [ ! -e /run/systemd/container ] && ! pgrep -x 'systemd-timesyn|chronyd|ntpd'; }
mend() { mv /run/systemd/container.away /run/systemd/container; }
