# A module of a package was edited in the environment: uv calls it equal to its lock all the same.
# host: sip-1
# violated: site-packages-are-intact[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: deploys
FILE=/opt/vox-dialler/.venv/lib/python3.13/site-packages/pymongo/uri_parser.py
inject() {
	keep $FILE
	echo '# hotfix' >>$FILE
}
landed() { grep -q '# hotfix' $FILE && as_deploy env HOME=/home/deploy uv sync -q --no-cache --directory /opt/vox-dialler --locked --no-dev --check --offline; }
mend() {
	back $FILE
	well voxdialler 8090
}
