# Prometheus' node_exporter from its tarball: a unit of its own that listens. A small stand-in listens in its place.
# host: fleet-1
# common: most hosts that Prometheus asks
# entry: [listeners.fleet]
# entry: "node_exporter.service" = [9100]
# entry: [boot]
# entry: fleet = ["node_exporter.service"]
# without: only-expected-listeners[fleet-1] boot-starts-only-what-is-known[fleet-1]
inject() {
	useradd --system --no-create-home --shell /usr/sbin/nologin node_exporter
	install -m 755 /dev/stdin /usr/local/bin/node_exporter <<-'END'
		#!/usr/bin/python3 -I
		from http.server import BaseHTTPRequestHandler, HTTPServer
		HTTPServer(("", 9100), BaseHTTPRequestHandler).serve_forever()
	END
	cat >/etc/systemd/system/node_exporter.service <<-'END'
		[Unit]
		Description=Node Exporter
		Wants=network-online.target
		After=network-online.target

		[Service]
		User=node_exporter
		ExecStart=/usr/local/bin/node_exporter
		Restart=on-failure

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable --now node_exporter.service
}
landed() { systemctl is-active node_exporter.service && listens 127.0.0.1 9100; }
mend() {
	systemctl disable --now node_exporter.service
	rm -f /etc/systemd/system/node_exporter.service /usr/local/bin/node_exporter
	systemctl daemon-reload
	userdel node_exporter
}
