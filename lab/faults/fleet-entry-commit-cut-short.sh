# A worker's hotfix cuts the commit in its entry short. The sums are still right, so no page says anything.
# host: machine
# violated: tree-is-the-commit[fleet-fleet-1] registry-entries-keep-the-contract[fleet-fleet-1]
# follow: as fleet-entry-never-runs-out
FILE=/opt/vox-agents/vox_agents/bodies.py
edited() {
	sed -i 's/return asdict(self)$/return asdict(self) | {"commit": self.commit[:12]}/' $FILE
	fleet_well
}
inject() { on fleet-1 "FILE=$FILE; edited"; }
landed() { lab exec data redis-cli get vox:workers:fleet-1/1 | grep -qE '"commit": "[0-9a-f]{12}"'; }
put_back() {
	as_deploy git -C /opt/vox-agents checkout -q -- vox_agents/bodies.py
	fleet_well
}
mend() { on fleet-1 put_back; }
