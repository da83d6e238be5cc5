# There is room on the disk, and not one file more can be made.
# host: data
# violated: host-has-room[data]
# follow: by hand, what of it may go a person must judge
inject() {
	mount -t tmpfs -o size=8m,nr_inodes=8 full /var/log
	for n in 1 2 3 4 5 6 7 8; do : >/var/log/$n || true; done 2>/dev/null
}
landed() { ! touch /var/log/one-more && [ "$(df --output=pcent /var/log | tail -1)" != 100% ]; }
mend() { umount /var/log; }
