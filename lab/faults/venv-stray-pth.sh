# A .pth file in the environment runs a line at each start of Python.
# host: sip-1
# violated: site-packages-are-intact[dialler-sip-1]
# follow: deploys
FILE=/opt/vox-dialler/.venv/lib/python3.13/site-packages/zz.pth
inject() {
	echo 'import os; os.environ["ZZ"] = "1"' >$FILE
	chown deploy:deploy $FILE
	well voxdialler 8090
}
landed() { [ "$(/opt/vox-dialler/.venv/bin/python -c 'import os; print(os.environ["ZZ"])')" = 1 ]; }
mend() {
	rm $FILE
	well voxdialler 8090
}
