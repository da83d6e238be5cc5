# Another engine runs a container on a fleet host: its monitor is there, and processes with process numbers of their own.
# host: fleet-1
# violated: only-livekit-in-containers[fleet-1]
# follow: mends
inject() {
	install -m 755 /usr/bin/busybox "$FAULT-conmon"
	mkdir -p /var/tmp/conmon.d && mv "$FAULT-conmon" /var/tmp/conmon.d/conmon && ln -sf conmon /var/tmp/conmon.d/sleep
	detached engine unshare --pid --fork --kill-child /var/tmp/conmon.d/sleep 1000
}
landed() { lives engine && [ "$(pgrep -c -P "$(pid_of engine)")" = 1 ]; }
mend() {
	ended engine
	rm -r /var/tmp/conmon.d
}
