# Somebody installed a package by hand that no lock names.
# host: sip-1
# violated: venv-is-the-lock[dialler-sip-1] site-packages-are-intact[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: deploys
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
inject() {
	mkdir -p $SITE/extra $SITE/extra-1.0.dist-info
	echo 'X = 1' >$SITE/extra/__init__.py
	printf 'Metadata-Version: 2.1\nName: extra\nVersion: 1.0\n' >$SITE/extra-1.0.dist-info/METADATA
	printf 'extra/__init__.py,,\nextra-1.0.dist-info/METADATA,,\nextra-1.0.dist-info/RECORD,,\n' >$SITE/extra-1.0.dist-info/RECORD
}
landed() { /opt/vox-dialler/.venv/bin/python -I -c 'import extra'; }
mend() {
	rm -r $SITE/extra $SITE/extra-1.0.dist-info
	well voxdialler 8090
}
