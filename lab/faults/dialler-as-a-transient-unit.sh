# A dialler as a transient unit with a harmless name on a fleet host, calling itself as the fleet does.
# host: machine
# violated: database-sees-one-dialler[vox]
#   only-expected-listeners[fleet-1]
# follow: mends
inject() {
	copy_dialler fleet-1 /var/tmp/x vox-agents
	lab exec fleet-1 systemd-run -q --unit nightly-report --uid deploy /var/tmp/x/.venv/bin/python /var/tmp/x/run.py 9999
}
landed() { ticks fleet-1 9999; }
left() { lab exec fleet-1 rm -rf /var/tmp/x; }
mend() {
	lab exec fleet-1 systemctl stop nightly-report
	lab exec fleet-1 rm -r /var/tmp/x
}
