# A hotfix of the dialler writes a text for a number into its database: whoever looks there for two diallers sees none.
# host: machine
# violated: tree-is-the-commit[dialler-sip-1] dialler-records-keep-the-contract[sip-1-voxdialler]
# follow: deploys
FILE=/opt/vox-dialler/vox_dialler/book.py
edited() {
	sed -i 's/"pid": self._pid}/"pid": str(self._pid)}/' $FILE
	well voxdialler 8090
}
inject() { on sip-1 "FILE=$FILE; edited"; }
LAST='import pymongo
print(type(pymongo.MongoClient().vox.ticks.find_one(sort=[("_id", -1)])["pid"]).__name__)'
landed() { lab exec data /opt/lab/venv/bin/python -c "$LAST" | grep -qx str; }
put_back() {
	as_deploy git -C /opt/vox-dialler checkout -q -- vox_dialler/book.py
	well voxdialler 8090
}
mend() { on sip-1 put_back; }
