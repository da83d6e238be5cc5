# Tailscale joins the host to the operators' network: its daemon in /usr/sbin by a unit, a port of UDP. A stand-in listens.
# host: sip-1
# common: small companies
# entry: [boot]
# entry: sip-1 = ["tailscaled.service"]
# without: boot-starts-only-what-is-known[sip-1]
inject() {
	install -m 755 /dev/stdin /usr/sbin/tailscaled <<-'END'
		#!/usr/bin/python3 -I
		import signal, socket
		one = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
		one.bind(("::", 41641))
		signal.pause()
	END
	cat >/etc/systemd/system/tailscaled.service <<-'END'
		[Unit]
		Description=Tailscale node agent
		Wants=network-pre.target

		[Service]
		ExecStart=/usr/sbin/tailscaled --state=/var/lib/tailscale/tailscaled.state --socket=/run/tailscale/tailscaled.sock --port=41641
		Restart=on-failure
		StateDirectory=tailscale

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now tailscaled
}
landed() { systemctl is-active -q tailscaled; }
mend() {
	systemctl disable -q --now tailscaled
	rm -r /etc/systemd/system/tailscaled.service /usr/sbin/tailscaled /var/lib/tailscale
	systemctl daemon-reload
}
