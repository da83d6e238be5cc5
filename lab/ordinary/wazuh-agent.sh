# Wazuh's agent, whose package puts its programs into /var/ossec. A small stand-in runs there.
# host: api-1
# common: hosts of companies that watch for intruders
# entry: [programs]
# entry: api = ["/var/ossec/bin/*"]
# entry: [boot]
# entry: api-1 = ["wazuh-agent.service"]
# without: no-node-runs[api-1] boot-starts-only-what-is-known[api-1]
inject() {
	mkdir -p /var/ossec/bin
	cp /usr/bin/sleep /var/ossec/bin/wazuh-agentd
	cat >/etc/systemd/system/wazuh-agent.service <<-'END'
		[Unit]
		Description=Wazuh agent
		Wants=network-online.target
		After=network-online.target

		[Service]
		ExecStart=/var/ossec/bin/wazuh-agentd 86400
		KillMode=process

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now wazuh-agent
}
landed() { [ "$(readlink "/proc/$(systemctl show -P MainPID wazuh-agent)/exe")" = /var/ossec/bin/wazuh-agentd ]; }
mend() {
	systemctl disable -q --now wazuh-agent
	rm -r /etc/systemd/system/wazuh-agent.service /var/ossec
	systemctl daemon-reload
}
