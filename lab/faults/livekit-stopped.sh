# The container of livekit-sip is stopped: no call gets in.
# host: sip-1
# violated: livekit-is-healthy[sip-1]
# cause: livekit-livekit-sip-1 is exited
# follow: mends
inject() { docker stop -t 0 livekit-livekit-sip-1; }
landed() { ! listens 127.0.0.1 5060; }
mend() {
	docker start livekit-livekit-sip-1
	until_true listens 127.0.0.1 5060
}
