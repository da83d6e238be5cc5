# A Jenkins agent for small jobs: a unit of its own account in its own home, here with a stand-in in java's place.
# host: data
# common: hosts on which a build was once needed
# entry: [boot]
# entry: data = ["jenkins-agent.service"]
# without: boot-starts-only-what-is-known[data]
inject() {
	useradd --system -m -d /var/lib/jenkins -s /bin/bash jenkins
	install -m 755 /usr/bin/sleep /var/lib/jenkins/java
	cat >/etc/systemd/system/jenkins-agent.service <<-'END'
		[Unit]
		Description=Jenkins inbound agent
		After=network-online.target

		[Service]
		User=jenkins
		WorkingDirectory=/var/lib/jenkins
		ExecStart=/var/lib/jenkins/java 86400
		Restart=always

		[Install]
		WantedBy=multi-user.target
	END
	systemctl daemon-reload
	systemctl enable -q --now jenkins-agent
}
landed() { systemctl is-active -q jenkins-agent; }
mend() {
	systemctl disable -q --now jenkins-agent
	rm /etc/systemd/system/jenkins-agent.service
	systemctl daemon-reload
	userdel -r jenkins 2>/dev/null
}
