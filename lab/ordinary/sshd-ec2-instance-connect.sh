# EC2 Instance Connect: sshd is started with AuthorizedKeysCommand, by the drop-in of Ubuntu's package. A stand-in for its program.
# host: fleet-1
# common: every Ubuntu on EC2
# entry: [sshd.fleet]
# entry: AuthorizedKeysCommand = "/usr/share/ec2-instance-connect/eic_run_authorized_keys %u %f"
# entry: [boot]
# entry: fleet = ["/usr/lib/systemd/system/ssh.service.d/ec2-instance-connect.conf"]
# without: keys-are-known[fleet-1] boot-starts-only-what-is-known[fleet-1]
DROP=/usr/lib/systemd/system/ssh.service.d
inject() {
	useradd --system --no-create-home --home-dir /nonexistent -s /usr/sbin/nologin ec2-instance-connect
	install -D -m 755 /dev/stdin /usr/share/ec2-instance-connect/eic_run_authorized_keys <<<$'#!/bin/sh\nexit 0'
	install -D -m 644 /dev/stdin $DROP/ec2-instance-connect.conf <<-'END'
		[Service]
		ExecStart=
		ExecStart=/usr/sbin/sshd -D $SSHD_OPTS -o "AuthorizedKeysCommand /usr/share/ec2-instance-connect/eic_run_authorized_keys %%u %%f" -o "AuthorizedKeysCommandUser ec2-instance-connect"
	END
	systemctl daemon-reload
	systemctl restart ssh
}
landed() { tr '\0' ' ' <"/proc/$(systemctl show -P MainPID ssh)/cmdline" | grep -q eic_run_authorized_keys; }
mend() {
	rm -r $DROP/ec2-instance-connect.conf /usr/share/ec2-instance-connect
	rmdir --ignore-fail-on-non-empty $DROP
	systemctl daemon-reload
	systemctl restart ssh
	userdel ec2-instance-connect
}
