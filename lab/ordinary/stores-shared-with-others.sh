# The stores hold more than today's release writes: other applications' keys and collections, records of a release long ago in
# another form, calls that were taken back before anybody placed them, and fields that are new.
# host: data
# common: most estates
SHARED='
import datetime, bson, pymongo
vox = pymongo.MongoClient().vox
now = datetime.datetime.now(datetime.timezone.utc)
past = now - datetime.timedelta(hours=3)
old = bson.ObjectId.from_datetime(past)'
shared() { /opt/lab/venv/bin/python -c "$SHARED
$1"; }
inject() {
	shared 'vox.contacts.insert_one({"_id": "ordinary", "pid": "none", "at": "Monday"})
vox.ticks.insert_one({"_id": old, "host": "sip-0", "pid": "85", "at": past, "tick": 1.5})
vox.diallers.insert_one({"_id": "sip-0/85", "host": "sip-0", "at": "long ago"})
vox.calls.insert_one({"_id": old, "state": "placed", "placed_at": past, "placed_by": "85"})
vox.calls.insert_one({"_id": "ordinary", "state": "taken back", "to": "+49 30 1234567", "campaign": 7})
vox.calls.insert_one({"_id": "ordinary-2", "state": "placed", "trunk": "ST_lab", "placed_at": now, "placed_by": 85, "campaign": 7})'
	redis-cli hset vox:sessions:1 user anna
	redis-cli set celery-task-meta-1 done
}
landed() { shared 'assert vox.diallers.find_one({"_id": "sip-0/85"}) and vox.calls.find_one({"_id": "ordinary-2"})' && redis-cli exists vox:sessions:1 | grep -qx 1; }
mend() {
	redis-cli del vox:sessions:1 celery-task-meta-1
	shared 'vox.drop_collection("contacts")
vox.ticks.delete_many({"pid": "85"}), vox.diallers.delete_one({"_id": "sip-0/85"})
vox.calls.delete_many({"$or": [{"placed_by": "85"}, {"_id": "ordinary"}, {"_id": "ordinary-2"}]})'
}
