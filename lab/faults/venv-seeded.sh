# A package that no lock names is called pip, and a line of pyvenv.cfg makes uv look past it: it brings a .pth that runs.
# host: sip-1
# violated: venv-is-the-lock[dialler-sip-1]
# follow: deploys
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
INFO=$SITE/pip-1.0.dist-info
inject() {
	keep /opt/vox-dialler/.venv/pyvenv.cfg
	mkdir $INFO
	echo 'import os; os.environ["ZZ"] = "1"' >$SITE/evil.pth
	printf 'Metadata-Version: 2.1\nName: pip\nVersion: 1.0\n' >$INFO/METADATA
	(cd $SITE && for file in evil.pth pip-1.0.dist-info/METADATA; do
		echo "$file,sha256=$(openssl dgst -sha256 -binary $file | base64 | tr '+/' '-_' | tr -d =),$(stat -c %s $file)"
	done && echo pip-1.0.dist-info/RECORD,,) >$FAULT.record
	cp $FAULT.record $INFO/RECORD
	echo 'seed = true' >>/opt/vox-dialler/.venv/pyvenv.cfg
	chown -R deploy:deploy $INFO $SITE/evil.pth
	well voxdialler 8090
}
landed() { as_deploy env HOME=/home/deploy uv sync -q --no-cache --directory /opt/vox-dialler --locked --no-dev --check --offline && [ -s $INFO/RECORD ]; }
left() { rm $FAULT.record; }
mend() {
	rm -r $INFO $SITE/evil.pth $FAULT.record
	back /opt/vox-dialler/.venv/pyvenv.cfg
	well voxdialler 8090
}
