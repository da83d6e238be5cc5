# One host of the fleet has the key of another account: every second call is another's.
# host: fleet-2
# violated: settings-are-the-same-everywhere[fleet-fleet-1] settings-are-the-same-everywhere[fleet-fleet-2]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-agents/.env >"$file"
ENV=/opt/vox-agents/.env
: voxcore@1 voxcore@2 voxcore@3 # which fleet_well restarts: nothing beside it may touch them
inject() {
	keep $ENV
	sed -i 's/^OPENAI_API_KEY=.*/OPENAI_API_KEY=sk-of-another-account-0123456789/' $ENV
	fleet_well
}
landed() { grep -q of-another-account $ENV && get /health 8103; }
mend() {
	back $ENV
	fleet_well
}
