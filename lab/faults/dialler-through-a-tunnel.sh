# A dialler on this machine, outside of the estate, through SSH to the data host, under the gate's own name.
# host: machine
# violated: database-sees-one-dialler[vox]
# follow: by hand, it runs on no host of the estate
inject() {
	detached tunnel lab ssh data -N -L 27999:127.0.0.1:27017
	until_true listens 127.0.0.1 27999
	detached client python -c '
import time
from pymongo import MongoClient
client = MongoClient("mongodb://127.0.0.1:27999/vox?directConnection=true", appname="voxgate")
while True: client.admin.command("ping"); time.sleep(0.5)'
	until_true landed
}
landed() { lives client && lives tunnel && grep -q ':6D5F 01 ' /proc/net/tcp; } # 27999, established
mend() {
	ended client
	ended tunnel
}
