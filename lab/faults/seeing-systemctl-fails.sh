# systemctl finds no way to systemd.
# host: fleet-2
# blind: unit-is-active[fleet-2-*] process-is-the-new-code[fleet-2-*] nothing-restarts-during-the-bake[fleet-2-*]
#   runs-as-its-user[fleet-2-*] units-are-all-there-are[fleet-fleet-2] env-file-is-complete[fleet-fleet-2]
#   dialler-is-on-the-sip-host[fleet-2] exactly-one-dialler-per-database[vox] no-secret-leaks[fleet-fleet-2]
#   process-gets-what-its-unit-says[fleet-2-*] unit-has-only-its-own-processes[fleet-2-*]
#   keys-are-known[fleet-2] one-copy-only[fleet-2] process-is-the-venvs[fleet-2-*] unit-file-is-the-expected[fleet-2-*]
# cause: fleet-2: could not look (failed): systemctl list-units ended with 1
# follow: by hand, the hint boots the host, and cuts its calls
inject() {
	mv /run/systemd/private /run/systemd/private.away
	mv /run/dbus/system_bus_socket /run/dbus/system_bus_socket.away
}
landed() { ! systemctl is-system-running 2>/dev/null | grep -q .; }
mend() {
	mv /run/systemd/private.away /run/systemd/private
	mv /run/dbus/system_bus_socket.away /run/dbus/system_bus_socket
}
