# Names are asked by systemd-resolved, from Debian's package, which answers on loopback.
# host: fleet-1
# common: Ubuntu, and clouds' images
# entry: [listeners.fleet-1]
# entry: "systemd-resolved.service" = ["loopback:53", "udp:loopback:53", 5355, "udp:5355"]
# without: only-expected-listeners[fleet-1]
inject() {
	keep /etc/resolv.conf
	package systemd-resolved
}
landed() { systemctl is-active -q systemd-resolved; }
mend() {
	package_gone systemd-resolved libnss-resolve
	rm -f /etc/resolv.conf
	back /etc/resolv.conf
}
