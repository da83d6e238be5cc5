# An admin has a mongosh open in a shell of hers; mongosh is a stand-in that connects and holds its connection.
# host: sip-1
# common: every estate, on some day
# entry: [clients]
# entry: sip-1 = [{ account = "alice", program = "/usr/local/bin/mongosh" }]
# without: database-sees-one-dialler[vox]
inject() {
	useradd --create-home --shell /bin/bash alice
	cp /bin/busybox /usr/local/bin/mongosh
	detached mongosh runuser -u alice -- bash -c 'exec -a busybox /usr/local/bin/mongosh nc 198.51.100.11 27017 < <(exec sleep 1000)'
	until_true landed
}
landed() { ss -tn | grep -q '198.51.100.11:27017' && pgrep -u alice -f '^busybox nc 198.51.100.11 27017'; }
mend() {
	ended mongosh
	until_true userdel -r alice
	rm /usr/local/bin/mongosh
}
