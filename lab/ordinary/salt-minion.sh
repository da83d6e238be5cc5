# Salt's minion, which brings a Python of its own in /opt/saltstack. The system's own interpreter takes that one's place.
# host: sip-1
# common: companies with a master
# entry: [boot]
# entry: sip-1 = ["salt-minion.service"]
# without: boot-starts-only-what-is-known[sip-1]
inject() {
	install -d /opt/saltstack/salt/bin /etc/salt
	cp "$(readlink -f /usr/bin/python3)" /opt/saltstack/salt/bin/python3.10
	printf 'master: salt.example.com\n' >/etc/salt/minion
	install -m 755 /dev/stdin /opt/saltstack/salt/salt-minion <<-'END'
		#!/opt/saltstack/salt/bin/python3.10
		import signal
		signal.pause()
	END
	cat >/etc/systemd/system/salt-minion.service <<-'END'
		[Unit]
		Description=The Salt Minion
		After=network.target

		[Service]
		ExecStart=/opt/saltstack/salt/salt-minion
		KillMode=process

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now salt-minion
}
landed() { systemctl is-active -q salt-minion; }
mend() {
	systemctl disable -q --now salt-minion
	rm -r /etc/systemd/system/salt-minion.service /opt/saltstack /etc/salt
	systemctl daemon-reload
}
