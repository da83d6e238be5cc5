# A nightly job of the analysts' reads the database: a unit of its own, with a timer.
# host: fleet-2
# common: many estates
# entry: [clients]
# entry: fleet-2 = [{ unit = "nightly-etl.service", account = "etl" }]
# entry: [boot]
# entry: fleet-2 = ["nightly-etl.service"]
# without: database-sees-one-dialler[vox] boot-starts-only-what-is-known[fleet-2]
UNITS=/etc/systemd/system
inject() {
	useradd --system --no-create-home --shell /usr/sbin/nologin etl
	mkdir -p /srv/etl
	cat >/srv/etl/etl.py <<-'END'
		import time
		import pymongo
		client = pymongo.MongoClient("mongodb://198.51.100.11:27017/vox", appname="nightly-etl")
		while True:
		    client.admin.command("ping")
		    time.sleep(0.5)
	END
	cat >$UNITS/nightly-etl.service <<-'END'
		[Unit]
		Description=Calls of the day, for the warehouse

		[Service]
		Type=oneshot
		User=etl
		ExecStart=/opt/lab/venv/bin/python /srv/etl/etl.py
	END
	printf '[Timer]\nOnCalendar=*-*-* 02:30\nPersistent=true\n[Install]\nWantedBy=timers.target\n' >$UNITS/nightly-etl.timer
	systemctl daemon-reload
	systemctl enable -q --now nightly-etl.timer
	systemctl start --no-block nightly-etl.service
	until_true landed
}
landed() { ss -tnp | grep 198.51.100.11:27017 | grep -q "pid=$(systemctl show -P MainPID nightly-etl),"; }
mend() {
	systemctl disable -q --now nightly-etl.timer
	systemctl stop nightly-etl.service
	systemctl reset-failed nightly-etl.service || true
	rm -r $UNITS/nightly-etl.service $UNITS/nightly-etl.timer /srv/etl
	systemctl daemon-reload
	userdel etl
}
