# Something of an ordinary account calls itself what keeps the clock in time.
# host: data
# violated: clock-is-right[data]
# follow: mends
inject() {
	detached called runuser -u nobody -- bash -c "exec -a '/usr/sbin/chronyd' \
		/usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(15, b\"chronyd\"); time.sleep(1000)'"
	until_true pgrep -u nobody -x chronyd
}
landed() { lives called && pgrep -u nobody -x chronyd; }
mend() { ended called; }
