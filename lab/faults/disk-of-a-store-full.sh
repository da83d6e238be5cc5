# A store has a file system of its own, and it is full: no folder of a service lies on it.
# host: data
# violated: host-has-room[data]
# follow: by hand, what of it may go a person must judge
inject() {
	mkdir -p /var/lib/mongodb-journal
	mount -t tmpfs -o size=8m full /var/lib/mongodb-journal
	head -c 9m /dev/zero >/var/lib/mongodb-journal/big || true
}
landed() { [ "$(df --output=pcent /var/lib/mongodb-journal | tail -1 | tr -d ' ')" = 100% ]; }
mend() {
	umount /var/lib/mongodb-journal
	rmdir /var/lib/mongodb-journal
}
