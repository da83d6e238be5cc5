# A dialler whose connection comes out of a small relay on the database's own host.
# host: machine
# violated: database-sees-one-dialler[vox]
#   only-expected-listeners[fleet-2] only-expected-listeners[data]
# follow: mends
inject() {
	lab exec data bash -c 'mkdir -p /run/fault; setsid python3 -c "
import socket, threading
def pump(a, b):
    while data := a.recv(65536): b.sendall(data)
listener = socket.create_server((\"0.0.0.0\", 27998))
while True:
    near, far = listener.accept()[0], socket.create_connection((\"127.0.0.1\", 27017))
    threading.Thread(target=pump, args=(near, far), daemon=True).start()
    threading.Thread(target=pump, args=(far, near), daemon=True).start()" </dev/null >/run/fault/relay.log 2>&1 &
		echo $! >/run/fault/relay.pid'
	until_true listens 198.51.100.11 27998
	copy_dialler fleet-2 /var/tmp/x vox-dialler
	lab exec fleet-2 sed -i 's/198.51.100.11:27017/198.51.100.11:27998/; s,/vox$,/vox?directConnection=true,' /var/tmp/x/.env
	run_by_hand fleet-2 /var/tmp/x/.venv/bin/python /var/tmp/x/run.py 9999
}
landed() { ticks fleet-2 9999; }
left() { lab exec fleet-2 rm -r /var/tmp/x; }
mend() {
	lab exec data bash -c 'p=$(cat /run/fault/relay.pid); kill -KILL $p 2>/dev/null || [ ! -d /proc/$p ]'
	end_by_hand fleet-2
	lab exec fleet-2 rm -r /var/tmp/x
}
