# A second dialler process inside of the unit itself, in its cgroup, as a child of the first would be.
# host: sip-1
# violated: exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
#   only-expected-listeners[sip-1] unit-has-only-its-own-processes[sip-1-voxdialler]
# cause: 2 dialler processes for the database vox
# follow: mends
inject() {
	detached dialler bash -c 'cd /opt/vox-dialler && set -a && . ./.env && exec .venv/bin/python -c "
import os
from vox_dialler.serve import serve
from vox_dialler.settings import Settings
serve(Settings.read(os.environ), 8091)"'
	until_true get /health 8091
	pid_of dialler >/sys/fs/cgroup/system.slice/voxdialler.service/cgroup.procs
}
landed() { get /health 8091 && grep -q voxdialler.service "/proc/$(pid_of dialler)/cgroup"; }
mend() { ended dialler; }
