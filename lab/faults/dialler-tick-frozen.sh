# The dialler says ok and ticks no more: health and metrics stand still.
# host: sip-1
# violated: tick-loop-is-alive[sip-1-voxdialler]
#   only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# cause: is answered by process
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	get /health 8090 | page 8090 /health
	get /metrics 8090 | page 8090 /metrics
	forged 8090
}
landed() { is_forged 8090 && [ "$(get /metrics 8090 | md5sum)" = "$(sleep 1.2; get /metrics 8090 | md5sum)" ]; }
mend() { unforged 8090; }
