# A dialler copied to another folder on another host, run by hand as another user, with another name for the database.
# host: machine
# violated: database-sees-one-dialler[vox]
inject() {
	lab exec sip-1 tar -C /opt -c vox-dialler | lab exec fleet-1 tar -C /home/deploy -x
	lab exec fleet-1 bash -c 'mv /home/deploy/vox-dialler /home/deploy/x && cd /home/deploy/x && mv vox_dialler app &&
		sed -i "s/vox_dialler/app/g; s/APP_NAME = .*/APP_NAME = \"vox-agents\"/" app/*.py && chown -R deploy:deploy . &&
		mkdir -p /run/fault && set -a && . ./.env && setsid runuser -u deploy -- .venv/bin/python -c "
import os
from app.serve import serve
from app.settings import Settings
serve(Settings.read(os.environ), 9999)" </dev/null >/run/fault/x.log 2>&1 & echo $! >/run/fault/x.pid'
}
landed() { lab exec fleet-1 busybox wget -q -T 3 -O - http://127.0.0.1:9999/health | grep -q ticks; }
mend() { lab exec fleet-1 bash -c 'kill -KILL -- -$(cat /run/fault/x.pid); rm -r /home/deploy/x'; }
