# Percona's mongodb_exporter beside the database, by its real unit file; the program is a stand-in that connects and listens as it does.
# host: data
# common: most estates that watch their MongoDB with Prometheus
# entry: [clients]
# entry: data = [{ unit = "mongodb_exporter.service" }]
# entry: [boot]
# entry: data = ["mongodb_exporter.service"]
# entry: [listeners]
# entry: data = { "mongodb_exporter.service" = [9216] }
# without: database-sees-one-dialler[vox] boot-starts-only-what-is-known[data] only-expected-listeners[data]
UNIT=/etc/systemd/system/mongodb_exporter.service
PROGRAM=/usr/local/bin/mongodb_exporter
inject() {
	useradd --system --no-create-home --shell /bin/false mongodb_exporter
	cat >$PROGRAM <<-'END'
		#!/opt/lab/venv/bin/python
		import http.server
		import pymongo
		client = pymongo.MongoClient("mongodb://127.0.0.1:27017", appname="mongodb_exporter", directConnection=True)
		client.admin.command("ping")
		http.server.ThreadingHTTPServer(("", 9216), http.server.BaseHTTPRequestHandler).serve_forever()
	END
	chmod 755 $PROGRAM
	cat >$UNIT <<-'END'
		[Unit]
		Description=mongodb_exporter
		After=network-online.target

		[Service]
		Type=simple
		User=mongodb_exporter
		Group=mongodb_exporter
		ExecStart=/usr/local/bin/mongodb_exporter --collect-all
		Restart=on-failure

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now mongodb_exporter
	until_true landed
}
landed() { listens 127.0.0.1 9216 && ss -tnp | grep ':27017 *users:' | grep -q "pid=$(systemctl show -P MainPID mongodb_exporter),"; }
mend() {
	systemctl disable -q --now mongodb_exporter
	rm $UNIT $PROGRAM
	systemctl daemon-reload
	userdel mongodb_exporter
}
