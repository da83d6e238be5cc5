# A file system for backups is full: nothing of the system, of a service or of a store lies on it.
# host: data
# common: hosts with a disk for backups
inject() {
	mkdir -p /mnt/backup
	mount -t tmpfs -o size=4m backup /mnt/backup
	head -c 5m /dev/zero >/mnt/backup/dump.gz || true
}
landed() { [ "$(df --output=pcent /mnt/backup | tail -1 | tr -d ' ')" = 100% ]; }
mend() {
	umount /mnt/backup
	rmdir /mnt/backup
}
