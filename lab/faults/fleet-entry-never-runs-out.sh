# A worker's hotfix leaves its entry in the registry for good: once it is dead, calls are routed to nobody.
# host: machine
# violated: tree-is-the-commit[fleet-fleet-1] registry-entries-keep-the-contract[fleet-fleet-1]
# follow: deploys
FILE=/opt/vox-agents/vox_agents/registry.py
edited() {
	sed -i 's/, px=TTL_MILLISECONDS//' $FILE
	fleet_well
}
inject() { on fleet-1 "FILE=$FILE; edited"; }
landed() { [ "$(lab exec data redis-cli pttl vox:workers:fleet-1/1)" = -1 ]; }
put_back() {
	as_deploy git -C /opt/vox-agents checkout -q -- vox_agents/registry.py
	fleet_well
}
mend() { on fleet-1 put_back; }
