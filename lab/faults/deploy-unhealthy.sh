# After the deploy the dialler's port is answered by what was there before.
# host: sip-1
# deploy: dialler
# standing: only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# violated: service-became-healthy[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler] tick-loop-is-alive[sip-1-voxdialler]
#   only-expected-listeners[sip-1] answers-come-from-the-unit[sip-1-voxdialler]
# follow: by hand, the deploy has gone back by itself: what its hint says is for the next one
inject() {
	get /health 8090 | sed 's/"commit":"[0-9a-f]*"/"commit":"0000000000000000000000000000000000000000"/' | page 8090 /health
	forged 8090
}
landed() { is_forged 8090 && get /health 8090 | grep -q '"commit":"0000'; }
mend() { unforged 8090; }
