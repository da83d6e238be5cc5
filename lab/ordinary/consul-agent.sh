# Consul's agent, by its own manual: a program in /usr/local/bin, a unit, ports for its like and for the host. A stand-in listens.
# host: fleet-2
# common: companies with many services
# entry: [listeners]
# entry: fleet-2 = { "consul.service" = [8301, "udp:8301", "loopback:8500", "udp:loopback:8600"] }
# entry: [boot]
# entry: fleet-2 = ["consul.service"]
# without: only-expected-listeners[fleet-2] boot-starts-only-what-is-known[fleet-2]
inject() {
	useradd --system --home-dir /etc/consul.d --shell /bin/false consul
	install -d -o consul /etc/consul.d /opt/consul
	install -m 755 /dev/stdin /usr/local/bin/consul <<-'END'
		#!/usr/bin/python3 -I
		import signal, socket
		kept = []
		for address, port, kind in [("0.0.0.0", 8301, socket.SOCK_STREAM), ("0.0.0.0", 8301, socket.SOCK_DGRAM),
		                            ("127.0.0.1", 8500, socket.SOCK_STREAM), ("127.0.0.1", 8600, socket.SOCK_DGRAM)]:
		    kept.append(socket.socket(socket.AF_INET, kind))
		    kept[-1].bind((address, port))
		    if kind == socket.SOCK_STREAM:
		        kept[-1].listen()
		signal.pause()
	END
	cat >/etc/systemd/system/consul.service <<-'END'
		[Unit]
		Description="HashiCorp Consul - A service mesh solution"
		Requires=network-online.target
		After=network-online.target

		[Service]
		User=consul
		Group=consul
		ExecStart=/usr/local/bin/consul agent -config-dir=/etc/consul.d/
		KillMode=process
		Restart=on-failure
		LimitNOFILE=65536

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now consul
}
landed() { until_true listens 127.0.0.1 8500; }
mend() {
	systemctl disable -q --now consul
	rm -r /etc/systemd/system/consul.service /usr/local/bin/consul /opt/consul
	systemctl daemon-reload
	userdel consul
	rm -rf /etc/consul.d
}
