# A nightly backup by restic: a timer and a service of the operator's own, the password in a file of root's.
# host: data
# common: most hosts with data
# entry: [boot]
# entry: data = ["restic.service"]
# without: boot-starts-only-what-is-known[data]
inject() {
	mkdir -p /etc/restic
	printf 'RESTIC_REPOSITORY=s3:https://s3.eu-central-1.amazonaws.com/example-backup\nRESTIC_PASSWORD_FILE=/etc/restic/password\n' >/etc/restic/env
	head -c 24 /dev/urandom | base64 >/etc/restic/password
	chmod 600 /etc/restic/*
	cat >/etc/systemd/system/restic.service <<-'END'
		[Unit]
		Description=Backup with restic
		Wants=network-online.target
		After=network-online.target

		[Service]
		Type=oneshot
		Nice=10
		EnvironmentFile=/etc/restic/env
		ExecStart=/usr/bin/restic backup --quiet /etc /var/lib/redis /var/backups
		ExecStartPost=/usr/bin/restic forget --quiet --keep-daily 7 --keep-weekly 5 --prune
	END
	cat >/etc/systemd/system/restic.timer <<-'END'
		[Unit]
		Description=Backup with restic, each night

		[Timer]
		OnCalendar=*-*-* 02:30
		RandomizedDelaySec=30m
		Persistent=true

		[Install]
		WantedBy=timers.target
	END
	systemctl daemon-reload
	systemctl enable -q --now restic.timer
}
landed() { systemctl list-timers --all | grep -q restic.service; }
mend() {
	systemctl disable -q --now restic.timer
	rm -r /etc/systemd/system/restic.timer /etc/systemd/system/restic.service /etc/restic
	systemctl daemon-reload
}
