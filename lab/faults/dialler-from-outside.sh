# A dialler on a machine that is no host of the estate.
# host: machine
# violated: database-sees-one-dialler[vox]
# cause: is no process of this estate, and calls itself as the dialler does
# follow: by hand, it runs on no host of the estate
inject() {
	detached client python -c '
import time
from pymongo import MongoClient
client = MongoClient("mongodb://198.51.100.11:27017/vox", appname="vox-dialler")
while True: client.admin.command("ping"); time.sleep(0.5)'
}
landed() { lives client && lab exec data ss -tn | grep -q '198.51.100.1:'; }
mend() { ended client; }
