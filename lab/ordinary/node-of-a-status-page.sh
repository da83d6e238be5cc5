# A status page of the operators' own, a small server of Node.js off the API host: node is there for something else.
# host: sip-1
# common: many companies
# entry: [programs]
# entry: sip = ["status-page.service"]
# entry: [listeners.sip]
# entry: "status-page.service" = [3001]
# entry: [boot]
# entry: sip = ["status-page.service"]
# without: no-node-runs[sip-1] only-expected-listeners[sip-1] boot-starts-only-what-is-known[sip-1]
inject() {
	useradd --system --no-create-home --shell /usr/sbin/nologin statuspage
	mkdir -p /usr/local/share/status-page
	echo "require('http').createServer((_, answer) => answer.end('all is well')).listen(3001)" >/usr/local/share/status-page/server.js
	cat >/etc/systemd/system/status-page.service <<-'END'
		[Unit]
		Description=Status page
		After=network.target

		[Service]
		User=statuspage
		ExecStart=/usr/local/bin/node /usr/local/share/status-page/server.js
		Restart=always

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable --now status-page.service
	until_true listens 127.0.0.1 3001
}
landed() { systemctl is-active status-page.service && get / 3001 | grep -q 'all is well'; }
mend() {
	systemctl disable --now status-page.service
	rm -rf /etc/systemd/system/status-page.service /usr/local/share/status-page
	systemctl daemon-reload
	userdel statuspage
}
