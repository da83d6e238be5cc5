# A dialler on the API host that was put into the backend's own cgroup, and calls itself as the backend does.
# host: machine
# violated: database-sees-one-dialler[vox]
#   process-is-the-venvs[api-1-voxbridge]
#   only-expected-listeners[api-1] unit-has-only-its-own-processes[api-1-voxbridge]
# follow: mends
inject() {
	copy_dialler api-1 /var/tmp/x vox-backend
	run_by_hand api-1 /var/tmp/x/.venv/bin/python /var/tmp/x/run.py 9999
	until_true ticks api-1 9999
	lab exec api-1 bash -c 'for pid in $(pgrep -f /var/tmp/x/[r]un.py); do
		echo $pid >/sys/fs/cgroup/system.slice/voxbridge.service/cgroup.procs; done'
}
landed() { ticks api-1 9999 && lab exec api-1 grep -q run.py /proc/*/cmdline; }
left() { lab exec api-1 rm -rf /var/tmp/x; }
mend() {
	lab exec api-1 bash -c 'kill -KILL $(pgrep -f /var/tmp/x/[r]un.py)'
	lab exec api-1 rm -r /var/tmp/x
}
