# The disk of the journal is full: of journals.
# host: data
# violated: host-has-room[data]
# cause: /var/log has 0 MB free
# follow: mends
inject() {
	local folder n
	folder=/var/log/journal/$(cat /etc/machine-id)
	mount -t tmpfs -o size=120m full /var/log
	mkdir -p "$folder"
	for n in 1 2 3 4 5 6; do # as journald calls what it has put aside
		head -c 20m /dev/zero >"$folder/system@$(printf '%032x-%016x-%016x' 1 $n $n).journal" || true
	done
}
landed() { ! head -c 64k /dev/zero >/var/log/more; }
left() { umount /var/log; }
mend() { left; }
