# A worker calls itself as one of another host does: the registry counts the two once.
# host: fleet-1
# violated: each-worker-has-its-own-id capacity-adds-up[*]
#   only-expected-listeners[fleet-1] answers-come-from-the-unit[fleet-1-voxcore@2]
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	get /health 8102 | sed 's,"worker":"fleet-1/2","worker":"fleet-2/2",' | page 8102 /health
	forged 8102
}
landed() { is_forged 8102 && get /health 8102 | grep -q '"worker":"fleet-2/2"'; }
mend() { unforged 8102; }
