# Byte code of other source lies in __pycache__, and its header says that it is of the file beside it: time and size are right.
# host: sip-1
# violated: no-foreign-files[dialler-sip-1]
# follow: mends
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	sed 's/fixed rate/planted/' $FILE >$FAULT.pacing.py
	/opt/vox-dialler/.venv/bin/python -c '
import os, py_compile, struct
source, cached = "/opt/vox-dialler/vox_dialler/pacing.py", "/opt/vox-dialler/vox_dialler/__pycache__/pacing.cpython-313.pyc"
py_compile.compile("/run/fault.pacing.py", cached, source, doraise=True)
found, code = os.stat(source), open(cached, "rb").read()
open(cached, "wb").write(code[:8] + struct.pack("<II", int(found.st_mtime), found.st_size) + code[16:])'
	well voxdialler 8090
}
landed() { [ "$(cd /opt/vox-dialler && .venv/bin/python -c 'from vox_dialler.pacing import NAME; print(NAME)')" = planted ]; }
left() { rm $FAULT.pacing.py; }
mend() {
	rm -r /opt/vox-dialler/vox_dialler/__pycache__ $FAULT.pacing.py
	well voxdialler 8090
}
