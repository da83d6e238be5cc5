# The backend that ran before was left over when the unit was stopped, and holds the port.
# host: api-1
# violated: only-expected-listeners[api-1] unit-is-active[api-1-voxbridge] process-is-the-new-code[api-1-voxbridge]
#   runs-as-its-user[api-1-voxbridge] process-is-the-venvs[api-1-voxbridge] units-are-all-there-are[backend-api-1]
#   answers-come-from-the-unit[api-1-voxbridge] backend-reaches-its-stores[backend-api-1] database-sees-one-dialler[vox]
# cause: runs /opt/vox-backend outside of its units
# follow: mends
inject() {
	systemctl stop voxbridge
	detached old bash -c 'cd /opt/vox-backend && set -a && . ./.env && set +a &&
		exec .venv/bin/python -m uvicorn vox_backend.app:app --host 0.0.0.0 --port 8080 --no-access-log'
	until_true get /health 8080
}
landed() { lives old && get /health 8080 && ! systemctl is-active -q voxbridge; }
mend() {
	ended old
	well voxbridge 8080
}
