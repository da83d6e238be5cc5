# /tmp is full: not a byte and not a file more. The look needs none of it, so nothing is blind; the lack of room is seen.
# host: api-1
# violated: host-has-room[api-1]
# follow: by hand, what of it may go a person must judge
inject() {
	mount -o "remount,size=$(($(df -k --output=used /tmp | tail -1) + 64))k,nr_inodes=$(($(df --output=iused /tmp | tail -1) + 8))" /tmp
	for n in 1 2 3 4 5 6 7 8 9; do head -c 64k /dev/zero >/tmp/full-$n || true; done 2>/dev/null
}
landed() { ! mktemp -p /tmp full-XXXXXX; }
mend() {
	mount -o remount,size=2g,nr_inodes=400k /tmp
	rm -f /tmp/full-* /tmp/one-more
}
