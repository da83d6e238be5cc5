# The container of livekit itself is stopped: no call has media, and whoever needs it says so of himself.
# host: sip-1
# violated: livekit-is-healthy[sip-1] settings-lead-to-what-is-there[*] backend-health-is-clean[api-1-voxbridge]
#   backend-reaches-its-stores[backend-api-1]
# cause: livekit-livekit-1 is exited
# follow: mends
inject() {
	docker stop -t 0 livekit-livekit-1
	until_false listens 127.0.0.1 7880
}
landed() { ! listens 127.0.0.1 7880; }
mend() {
	docker start livekit-livekit-1
	until_true listens 127.0.0.1 7880
}
