# Cockpit, by its socket.
# host: fleet-2
# common: some hosts
# entry: [listeners.fleet-2]
# entry: "init.scope" = [9090]
# entry: "cockpit.service" = [9090]
# without: only-expected-listeners[fleet-2]
inject() {
	package cockpit
	systemctl start cockpit.socket
}
landed() { listens 127.0.0.1 9090; }
mend() { package_gone cockpit; }
