# A package's module is as installed, and the byte code beside it is of other source: an import takes that, and never looks.
# host: sip-1
# violated: site-packages-are-intact[dialler-sip-1]
# follow: as venv-module-edited
SITE=/opt/vox-dialler/.venv/lib/python3.13/site-packages
inject() {
	{ cat $SITE/pymongo/uri_parser.py; echo 'PLANTED = True'; } >$FAULT.module.py
	/opt/vox-dialler/.venv/bin/python -c '
import os, py_compile, struct, sys
source = sys.argv[1] + "/pymongo/uri_parser.py"
cached = sys.argv[1] + "/pymongo/__pycache__/uri_parser.cpython-313.pyc"
py_compile.compile("/run/fault.module.py", cached, source, doraise=True)
found, code = os.stat(source), open(cached, "rb").read()
open(cached, "wb").write(code[:8] + struct.pack("<II", int(found.st_mtime), found.st_size) + code[16:])' $SITE
	well voxdialler 8090
}
landed() { /opt/vox-dialler/.venv/bin/python -c 'from pymongo.uri_parser import PLANTED'; }
mend() {
	find $SITE -name __pycache__ -prune -exec rm -r {} +
	rm $FAULT.module.py
	well voxdialler 8090
}
