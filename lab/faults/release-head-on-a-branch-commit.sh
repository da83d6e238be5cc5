# Somebody checked out the commit of a side branch by hand, and restarted nothing.
# host: sip-1
# violated: head-is-the-release[dialler-sip-1] tree-is-the-commit[dialler-sip-1]
#   process-is-the-new-code[sip-1-voxdialler]
# cause: HEAD of /opt/vox-dialler is
# follow: deploys
inject() { as_deploy git -C /opt/vox-dialler checkout -q vox-dialler-2026.06.25-1; }
landed() { grep -q "$(as_deploy git -C /opt/vox-dialler rev-parse vox-dialler-2026.06.25-1^0)" /opt/vox-dialler/.git/HEAD; }
mend() {
	as_deploy git -C /opt/vox-dialler checkout -q vox-dialler-2026.06.24-1
	well voxdialler 8090
}
