# Health is live, and the metrics are those of a while ago: something caches them.
# host: sip-1
# violated: tick-loop-is-alive[sip-1-voxdialler]
#   only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	get /metrics 8090 | page 8090 /metrics
	forged 8090
}
landed() { is_forged 8090 && [ "$(get /metrics 8090 | md5sum)" = "$(sleep 1.2; get /metrics 8090 | md5sum)" ]; }
mend() { unforged 8090; }
