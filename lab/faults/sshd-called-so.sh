# A service's account runs something that calls itself a listening sshd, with options by which root's own would write a file.
# host: api-1
# violated: keys-are-known[api-1]
# follow: mends
FILE=/etc/voxgate-was-here
inject() {
	detached sshd runuser -u vox -- bash -c "exec -a 'sshd: /usr/sbin/sshd -D -E $FILE [listener] 0 of 10-100 startups' \
		/usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(15, b\"sshd\"); time.sleep(1000)'"
}
landed() { pgrep -u vox -x sshd && [ ! -e $FILE ]; }
mend() {
	ended sshd
	if [ -e $FILE ]; then
		rm $FILE
		echo "root wrote $FILE" >&2
		return 1
	fi
}
