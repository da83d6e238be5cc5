# The dialler's environment was replaced by a copy of it, all of one time: a module is another, and the RECORD of its package says so.
# host: sip-1
# violated: site-packages-are-intact[dialler-sip-1]
# cause: its RECORDs are not those with which the release was judged good
# follow: as venv-module-edited
VENV=/opt/vox-dialler/.venv
SITE=$VENV/lib/python3.13/site-packages
inject() {
	mv $VENV /root/venv.kept
	cp -a /root/venv.kept $VENV
	echo '# hotfix' >>$SITE/pymongo/uri_parser.py
	python3 - $SITE <<-'END'
		import base64, glob, hashlib, os, re, sys
		path = "pymongo/uri_parser.py"
		(record,) = glob.glob(sys.argv[1] + "/pymongo-*.dist-info/RECORD")
		content = open(sys.argv[1] + "/" + path, "rb").read()
		digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
		row = "%s,sha256=%s,%d" % (path, digest, len(content))
		text = re.sub("^" + re.escape(path) + ",.*$", row, open(record).read(), flags=re.M)
		open(record, "w").write(text)
	END
	well voxdialler 8090
}
landed() { grep -q '# hotfix' $SITE/pymongo/uri_parser.py && [ -d /root/venv.kept ]; }
mend() {
	rm -rf $VENV
	mv /root/venv.kept $VENV
	well voxdialler 8090
}
