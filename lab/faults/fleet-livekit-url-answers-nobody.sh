# The LiveKit of one host's workers is at a port where nobody answers: they are well, until their first call.
# host: fleet-1
# violated: settings-lead-to-what-is-there[fleet-fleet-1] settings-are-the-same-everywhere[fleet-fleet-1]
# follow: mends
# edit: sed -i 's/:7881/:7880/' "$file"
ENV=/opt/vox-agents/.env
: voxcore@1 voxcore@2 voxcore@3 # which fleet_well restarts: nothing beside it may touch them
inject() {
	keep $ENV
	sed -i 's/^\(LIVEKIT_URL=.*\):7880/\1:7881/' $ENV
	fleet_well
}
landed() { grep -q :7881 $ENV && get /health 8103; }
mend() {
	back $ENV
	fleet_well
}
