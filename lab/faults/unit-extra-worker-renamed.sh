# A fourth worker on a host that has three, as a unit with another name.
# host: fleet-2
# violated: capacity-adds-up[*]
#   units-are-all-there-are[fleet-fleet-2] only-expected-listeners[fleet-2]
# follow: mends
inject() {
	systemd-run -q --unit speech-cache --uid vox -p WorkingDirectory=/opt/vox-agents -p EnvironmentFile=/opt/vox-agents/.env \
		/opt/vox-agents/.venv/bin/python -m vox_agents --worker 9
}
landed() { get /health 8109; }
mend() { systemctl stop speech-cache; }
