# Datadog's agent: three programs of its own in /opt, by units that its package brings, each with a port of loopback. A small
# stand-in listens in their places, and no package is here.
# host: fleet-1
# common: hosts that Datadog watches
# entry: [listeners.fleet-1]
# entry: "datadog-agent.service" = ["udp:loopback:8125", "loopback:5001"]
# entry: "datadog-agent-trace.service" = ["loopback:8126"]
# entry: [boot]
# entry: fleet-1 = ["datadog-agent*.service"]
# without: only-expected-listeners[fleet-1] boot-starts-only-what-is-known[fleet-1]
AGENT=/opt/datadog-agent
inject() {
	useradd --system --no-create-home --shell /usr/sbin/nologin dd-agent
	install -D -m 755 /dev/stdin $AGENT/bin/agent/agent <<-'END'
		#!/usr/bin/python3 -I
		import socket, sys, time
		open_ = []
		for place in sys.argv[1:]:
		    kind, port = place.split(":")
		    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM if kind == "udp" else socket.SOCK_STREAM)
		    one.bind(("127.0.0.1", int(port)))
		    if kind == "tcp":
		        one.listen()
		    open_.append(one)
		time.sleep(86400)
	END
	agent datadog-agent "udp:8125 tcp:5001"
	agent datadog-agent-trace tcp:8126
	systemctl daemon-reload
	systemctl enable -q --now datadog-agent datadog-agent-trace
	until_true landed
}
agent() {
	cat >"/etc/systemd/system/$1.service" <<-END
		[Unit]
		Description=Datadog Agent ($1)
		After=network.target
		[Service]
		User=dd-agent
		ExecStart=$AGENT/bin/agent/agent $2
		Restart=on-failure
		[Install]
		WantedBy=multi-user.target
	END
}
landed() { listens 127.0.0.1 5001 && listens 127.0.0.1 8126 && ss -Hlun sport = :8125 | grep -q 127.0.0.1; }
mend() {
	systemctl disable -q --now datadog-agent datadog-agent-trace
	rm -r /etc/systemd/system/datadog-agent.service /etc/systemd/system/datadog-agent-trace.service $AGENT
	systemctl daemon-reload
	userdel dd-agent
}
