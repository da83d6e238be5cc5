# A hotfix on the box: one line added to a module of the dialler. The process was not restarted.
# host: sip-1
# violated: tree-is-the-commit[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: deploys
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() { echo '# hotfix' >>$FILE; }
landed() { grep -q '# hotfix' $FILE; }
mend() {
	as_deploy git -C /opt/vox-dialler checkout -q -- vox_dialler/pacing.py
	well voxdialler 8090
}
