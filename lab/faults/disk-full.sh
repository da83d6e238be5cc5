# The disk of the journal is full.
# host: data
# violated: host-has-room[data]
# cause: /var/log has 0 MB free
# follow: by hand, what of it may go a person must judge
inject() {
	mkdir -p /var/log/journal
	mount -t tmpfs -o size=8m full /var/log
	head -c 8m /dev/zero >/var/log/big || true
}
landed() { ! head -c 64k /dev/zero >/var/log/more; }
mend() { umount /var/log; }
