# A program that somebody started by hand goes on in a worker's cgroup, by the worker's own interpreter, and does nothing yet.
# host: fleet-2
# violated: unit-has-only-its-own-processes[fleet-2-voxcore@1]
# follow: mends
PYTHON=/opt/vox-agents/.venv/bin/python
CGROUP=/sys/fs/cgroup/system.slice/system-voxcore.slice/voxcore@1.service
inject() {
	detached company runuser -u vox -- $PYTHON -I -c 'import signal; signal.pause()'
	until_true pgrep -f "^$PYTHON -I -c"
	pgrep -f "^$PYTHON -I -c" >$CGROUP/cgroup.procs
}
landed() { lives company && [ "$(wc -l <$CGROUP/cgroup.procs)" -gt 1 ]; }
mend() { ended company; }
