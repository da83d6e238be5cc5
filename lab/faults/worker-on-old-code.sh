# One worker was restarted while an older release was checked out: the fleet answers in two ways.
# host: fleet-1
# violated: fleet-runs-one-release process-is-the-new-code[fleet-1-*]
# follow: mends
inject() {
	as_deploy git -C /opt/vox-agents checkout -q vox-agents-2026.06.22-1
	well voxcore@1 8101
	as_deploy git -C /opt/vox-agents checkout -q vox-agents-2026.06.24-1
}
landed() { [ "$(get /health 8101 | grep -o '"commit":"[^"]*"')" != "$(get /health 8102 | grep -o '"commit":"[^"]*"')" ]; }
mend() { fleet_well; }
