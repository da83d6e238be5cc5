# A dialler started by hand beside the unit's, from the same folder, on another port.
# host: sip-1
# violated: exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
#   units-are-all-there-are[dialler-sip-1] only-expected-listeners[sip-1]
# cause: is a dialler outside of the one unit
# follow: mends
inject() {
	detached dialler bash -c 'cd /opt/vox-dialler && set -a && . ./.env && exec .venv/bin/python -c "
import os
from vox_dialler.serve import serve
from vox_dialler.settings import Settings
serve(Settings.read(os.environ), 8091)"'
}
landed() { get /health 8091 | grep -q vox-dialler; }
mend() { ended dialler; }
