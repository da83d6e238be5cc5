# Byte code of other source lies in __pycache__, of the kind that Python never compares with the source: it is what runs.
# host: sip-1
# violated: no-foreign-files[dialler-sip-1]
# follow: mends
inject() {
	sed 's/fixed rate/planted/' /opt/vox-dialler/vox_dialler/pacing.py >$FAULT.pacing.py
	/opt/vox-dialler/.venv/bin/python -c '
import py_compile, sys
cached = "/opt/vox-dialler/vox_dialler/__pycache__/pacing.cpython-313.pyc"
py_compile.compile("/run/fault.pacing.py", cached, "/opt/vox-dialler/vox_dialler/pacing.py",
    doraise=True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)'
	well voxdialler 8090
}
landed() { [ "$(cd /opt/vox-dialler && .venv/bin/python -c 'from vox_dialler.pacing import NAME; print(NAME)')" = planted ]; }
left() { rm $FAULT.pacing.py; }
mend() {
	rm /opt/vox-dialler/vox_dialler/__pycache__/pacing.*.pyc $FAULT.pacing.py
	well voxdialler 8090
}
