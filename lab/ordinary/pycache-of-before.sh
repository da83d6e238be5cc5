# Byte code of modules that are gone lies in __pycache__: what a checkout of a later release leaves there.
# host: fleet-2
# common: most releases
inject() {
	cd /opt/vox-agents
	local folder
	folder=$(dirname "$(as_deploy git ls-files "*/__init__.py" | head -1)")
	printf "GONE = 1\n" >$folder/of_before.py
	.venv/bin/python -m py_compile $folder/of_before.py
	rm $folder/of_before.py
}
landed() { ls /opt/vox-agents/*/__pycache__/of_before.cpython-*.pyc; }
mend() { rm /opt/vox-agents/*/__pycache__/of_before.*; }
