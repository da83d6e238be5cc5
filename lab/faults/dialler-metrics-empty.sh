# The metrics page is 200 and empty.
# host: sip-1
# violated: metrics-are-well-formed[sip-1-voxdialler] tick-loop-is-alive[sip-1-voxdialler]
#   only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	page 8090 /metrics </dev/null
	forged 8090
}
landed() { is_forged 8090 && [ -z "$(get /metrics 8090)" ]; }
mend() { unforged 8090; }
