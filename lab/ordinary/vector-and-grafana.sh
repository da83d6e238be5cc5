# Vector sends logs on, Grafana shows numbers: both by hand, each with a unit and a port of its own. A small stand-in listens in their
# places.
# host: sip-1
# common: companies that watch their hosts themselves
# entry: [listeners.sip]
# entry: "vector.service" = ["loopback:8686"]
# entry: "grafana-server.service" = [3000]
# entry: [boot]
# entry: sip-1 = ["vector.service", "grafana-server.service"]
# without: only-expected-listeners[sip-1] boot-starts-only-what-is-known[sip-1]
inject() {
	install -m 755 /dev/stdin /usr/local/bin/vector <<-'END'
		#!/usr/bin/python3 -I
		import sys
		from http.server import BaseHTTPRequestHandler, HTTPServer
		HTTPServer((sys.argv[1], int(sys.argv[2])), BaseHTTPRequestHandler).serve_forever()
	END
	cp /usr/local/bin/vector /usr/local/bin/grafana
	by_hand vector "vector 127.0.0.1 8686"
	by_hand grafana-server "grafana 0.0.0.0 3000"
	systemctl daemon-reload
	systemctl enable -q --now vector grafana-server
	until_true landed
}
by_hand() {
	cat >"/etc/systemd/system/$1.service" <<-END
		[Unit]
		Description=$1
		After=network-online.target
		[Service]
		DynamicUser=yes
		ExecStart=/usr/local/bin/$2
		[Install]
		WantedBy=multi-user.target
	END
}
landed() { listens 127.0.0.1 8686 && listens 127.0.0.1 3000; }
mend() {
	systemctl disable -q --now vector grafana-server
	rm /etc/systemd/system/vector.service /etc/systemd/system/grafana-server.service /usr/local/bin/vector /usr/local/bin/grafana
	systemctl daemon-reload
}
