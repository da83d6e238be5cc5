# The database answers, and leaves out of its list what it does not want to show: no error, only fewer rows.
# The filter that does so is a stranger that listens, and is seen as one.
# host: data
# violated: only-expected-listeners[data]
# blind: database-sees-one-dialler[vox] dialler-keeps-its-pace[sip-1-voxdialler]
#   dialler-records-keep-the-contract[sip-1-voxdialler]
# follow: by hand, the database's own host and users are for who runs it
FILTER='
import bson, socket, struct, threading
NOTHING = bson.encode({"ok": 1.0, "inprog": [], "cursor": {"id": bson.Int64(0), "ns": "admin.$cmd.aggregate", "firstBatch": []}})
def whole(line, count):
    data = b""
    while len(data) < count:
        piece = line.recv(count - len(data))
        if not piece: raise OSError
        data += piece
    return data
def message(line):
    head = whole(line, 4)
    return head + whole(line, struct.unpack("<i", head)[0] - 4)
def serve(client):
    real = socket.create_connection(("127.0.0.2", 27017))
    try:
        while True:
            asked = message(client)
            if b"currentOp" in asked:
                number = struct.unpack("<i", asked[4:8])[0]
                client.sendall(struct.pack("<iiiiIB", 21 + len(NOTHING), 1, number, 2013, 0, 0) + NOTHING)
            else:
                real.sendall(asked)
                client.sendall(message(real))
    except OSError:
        client.close(), real.close()
listener = socket.create_server(("127.0.0.1", 27018))
while True: threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()'
RULE='OUTPUT -d 127.0.0.1 -p tcp --dport 27017 -j REDIRECT --to-ports 27018'
inject() {
	detached filter /opt/lab/venv/bin/python -c "$FILTER"
	until_true listens 127.0.0.1 27018
	iptables -t nat -A $RULE
}
landed() {
	/opt/lab/venv/bin/python -c 'import pymongo
client = pymongo.MongoClient("mongodb://127.0.0.1/?directConnection=true")
assert client.admin.command("currentOp")["inprog"] == []'
}
mend() {
	iptables -t nat -D $RULE
	ended filter
}
