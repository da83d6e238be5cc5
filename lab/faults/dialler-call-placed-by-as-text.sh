# A call of the last minute says by a text who placed it, where a number must stand: nobody finds it by that, and calls once more.
# host: machine
# violated: dialler-records-keep-the-contract[sip-1-voxdialler]
# follow: mends
VOX='import datetime, pymongo
vox = pymongo.MongoClient().vox
now = datetime.datetime.now(datetime.timezone.utc)
pid = vox.diallers.find_one(sort=[("at", -1)])["pid"]'
vox() { lab exec data /opt/lab/venv/bin/python -c "$VOX
$1"; }
inject() { vox 'vox.calls.insert_one({"_id": "fault", "to": "+49 30 1234567", "state": "placed", "trunk": "ST_lab", "placed_at": now, "placed_by": str(pid)})'; }
landed() { vox 'assert vox.calls.find_one({"placed_by": str(pid)})'; }
left() { vox 'vox.calls.delete_one({"_id": "fault"})'; }
mend() { left; }
