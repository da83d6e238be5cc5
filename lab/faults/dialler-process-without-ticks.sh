# A hotfix of the dialler no longer says of its process how often it ticked: one that stands still is not told from one that works.
# host: machine
# violated: tree-is-the-commit[dialler-sip-1] dialler-records-keep-the-contract[sip-1-voxdialler]
# follow: as dialler-tick-pid-as-text
FILE=/opt/vox-dialler/vox_dialler/book.py
edited() {
	sed -i 's/{\*\*who, "ticks": tick, "at": at}/{**who, "at": at}/' $FILE
	well voxdialler 8090
}
inject() { on sip-1 "FILE=$FILE; edited"; }
LAST='import pymongo
print("ticks" in pymongo.MongoClient().vox.diallers.find_one(sort=[("at", -1)]))'
landed() { lab exec data /opt/lab/venv/bin/python -c "$LAST" | grep -qx False; }
put_back() {
	as_deploy git -C /opt/vox-dialler checkout -q -- vox_dialler/book.py
	well voxdialler 8090
}
mend() { on sip-1 put_back; }
