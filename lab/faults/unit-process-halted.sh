# A child of the backend's is halted by a signal: the unit is active all the same.
# host: api-1
# violated: unit-is-active[api-1-voxbridge] unit-has-only-its-own-processes[api-1-voxbridge]
# follow: mends
inject() {
	detached child bash -c 'echo $$ >/sys/fs/cgroup/system.slice/voxbridge.service/cgroup.procs; exec /opt/vox-backend/.venv/bin/python -c "import time; time.sleep(3600)"'
	until_true grep -q time.sleep "/proc/$(pid_of child)/cmdline"
	until_true grep -q voxbridge "/proc/$(pid_of child)/cgroup"
	kill -STOP "$(pid_of child)"
}
landed() { grep -q '^State:.T' "/proc/$(pid_of child)/status"; }
mend() { ended child; }
