# The metrics have a series twice: Prometheus drops the whole page, and every alert on it.
# host: sip-1
# violated: metrics-are-well-formed[sip-1-voxdialler] tick-loop-is-alive[sip-1-voxdialler]
#   only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	(get /metrics 8090; get /metrics 8090 | grep ^voxdialler_ticks_total) | page 8090 /metrics
	forged 8090
}
landed() { is_forged 8090 && [ "$(get /metrics 8090 | grep -c ^voxdialler_ticks_total)" = 2 ]; }
mend() { unforged 8090; }
