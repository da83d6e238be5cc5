# The same hotfix, by somebody tidy: the service was restarted, and says the right commit.
# host: sip-1
# violated: tree-is-the-commit[dialler-sip-1]
# follow: as release-file-edited-in-place
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	echo '# hotfix' >>$FILE
	well voxdialler 8090
}
landed() { grep -q '# hotfix' $FILE && get /health 8090; }
mend() {
	as_deploy git -C /opt/vox-dialler checkout -q -- vox_dialler/pacing.py
	well voxdialler 8090
}
