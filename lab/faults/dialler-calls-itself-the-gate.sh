# A dialler outside of the estate, through SSH to the data host, with a new connection for each tick, by a name like the gate's.
# host: machine
# violated: database-sees-one-dialler[vox]
# follow: by hand, who connects anew for each tick has no process that could be named
inject() {
	detached tunnel lab ssh data -N -L 27999:127.0.0.1:27017
	until_true listens 127.0.0.1 27999
	detached client python -c '
import time
from pymongo import MongoClient
held = []
while True:
    held.append(MongoClient("mongodb://127.0.0.1:27999/vox?directConnection=true", appname="voxgate"))
    held[-1].admin.command("ping")
    for old in held[:-1]: old.close()
    del held[:-1]
    time.sleep(0.5)'
	until_true landed
}
landed() { lives client && lives tunnel && grep -q ':6D5F 01 ' /proc/net/tcp; } # 27999, established
mend() {
	ended client
	ended tunnel
}
