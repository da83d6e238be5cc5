# Something on a fleet host works on the database under the dialler's name.
# host: fleet-1
# violated: database-sees-one-dialler[vox]
# follow: mends
inject() {
	detached client /opt/lab/venv/bin/python -c '
import time
from pymongo import MongoClient
client = MongoClient("mongodb://198.51.100.11:27017/vox", appname="vox-dialler")
while True: client.admin.command("ping"); time.sleep(0.5)'
}
landed() { ss -tnp | grep 198.51.100.11:27017 | grep -q "pid=$(pid_of client),"; }
mend() { ended client; }
