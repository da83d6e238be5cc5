# A worker's hotfix writes a text for a number into the registry: no worker of any host can read the entries any more.
# host: machine
# violated: tree-is-the-commit[fleet-fleet-1] registry-entries-keep-the-contract[fleet-fleet-1] capacity-adds-up[*]
# follow: deploys
FILE=/opt/vox-agents/vox_agents/bodies.py
edited() {
	sed -i 's/return asdict(self)$/return asdict(self) | {"calls": str(self.calls)}/' $FILE
	fleet_well
}
inject() { on fleet-1 "FILE=$FILE; edited"; }
landed() { lab exec data redis-cli get vox:workers:fleet-1/1 | grep -q '"calls": "0"'; }
put_back() {
	as_deploy git -C /opt/vox-agents checkout -q -- vox_agents/bodies.py
	fleet_well
}
mend() { on fleet-1 put_back; }
