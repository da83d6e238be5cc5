# A worker's health is 200 and says ok, with a number of call slots that is no number.
# host: fleet-1
# violated: all-workers-are-up[fleet-1-voxcore@2] capacity-adds-up[*]
#   only-expected-listeners[fleet-1] answers-come-from-the-unit[fleet-1-voxcore@2]
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() {
	get /health 8102 | sed 's/"worker_max":1/"worker_max":"1"/' | page 8102 /health
	forged 8102
}
landed() { is_forged 8102 && get /health 8102 | grep -q '"worker_max":"1"'; }
mend() { unforged 8102; }
