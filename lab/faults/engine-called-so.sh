# Something of an ordinary account calls itself the engine of the containers, beside the real one.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
inject() {
	detached called runuser -u nobody -- bash -c "exec -a '/usr/sbin/dockerd' \
		/usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(15, b\"dockerd\"); time.sleep(1000)'"
	until_true pgrep -u nobody -x dockerd
}
landed() { lives called && pgrep -u nobody -x dockerd; }
mend() { ended called; }
