# An admin looks after the host: a shell in a service's folder, the journal and a log followed in others, a REPL of Python's.
# host: api-1
# common: most hosts, on some day
inject() {
	useradd -m -s /bin/bash -p '*' -G systemd-journal dora
	mkdir -p /var/log/notes
	touch /var/log/notes/today
	(cd /opt/vox-backend && detached shell runuser -u dora -- bash -c 'read -r x <> <(:)')
	(cd /home/dora && detached journal runuser -u dora -- journalctl -q -f -u voxbridge)
	(cd /home/dora && detached tail runuser -u dora -- tail -F /var/log/notes/today)
	(cd /home/dora && detached repl runuser -u dora -- sh -c 'tail -f /dev/null | python3 -i -q')
}
landed() { lives shell && lives journal && lives tail && lives repl; }
mend() {
	for one in shell journal tail repl; do ended $one; done
	rm -r /var/log/notes
	until_true userdel -r dora
}
