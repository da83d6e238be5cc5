# A person looks into the database with MongoDB Compass, from a machine that is no host of the estate.
# host: machine
# common: many estates
# entry: [clients]
# entry: "198.51.100.1" = [{ name = "MongoDB Compass" }]
# without: database-sees-one-dialler[vox]
inject() {
	detached compass python -c '
import time
from pymongo import MongoClient
client = MongoClient("mongodb://198.51.100.11:27017/vox", appname="MongoDB Compass")
while True: client.admin.command("ping"); time.sleep(0.5)'
	until_true landed
}
landed() { lives compass && lab exec data ss -tn | grep -q '27017.*198.51.100.1:'; }
mend() { ended compass; }
