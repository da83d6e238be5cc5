# A timer that no file makes restarts a worker again and again, long after the look.
# host: fleet-2
# violated: one-copy-only[fleet-2]
# follow: mends
inject() { systemd-run -q --unit=kept-fresh --on-active=1h --on-unit-active=10min systemctl restart voxcore@2; }
landed() { systemctl is-active -q kept-fresh.timer; }
mend() { systemctl stop kept-fresh.timer; }
