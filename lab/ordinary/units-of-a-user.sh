# An admin has a timer of her own that runs also while she is away: a unit in her home, and lingering.
# host: fleet-2
# common: some hosts
inject() {
	useradd -m -s /bin/bash -p '*' hilda
	runuser -u hilda -- sh -euc 'cd; mkdir -p .config/systemd/user/timers.target.wants
		printf "[Unit]\nDescription=Notes\n\n[Service]\nType=oneshot\nExecStart=/usr/bin/find %%h/notes -name *.bak -delete\n" >.config/systemd/user/notes.service
		printf "[Timer]\nOnCalendar=daily\n\n[Install]\nWantedBy=timers.target\n" >.config/systemd/user/notes.timer
		ln -s ../notes.timer .config/systemd/user/timers.target.wants/notes.timer'
	mkdir -p /var/lib/systemd/linger
	touch /var/lib/systemd/linger/hilda
}
landed() { [ -e /var/lib/systemd/linger/hilda ] && [ -L /home/hilda/.config/systemd/user/timers.target.wants/notes.timer ]; }
mend() {
	rm /var/lib/systemd/linger/hilda
	userdel -r hilda 2>/dev/null
}
