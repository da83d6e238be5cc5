# HAProxy is stopped; something of a service's account calls itself so, and says on a socket of its own that all is well.
# host: api-1
# violated: haproxy-sees-all-workers
# follow: mends
PLACE=/var/tmp/called
inject() {
	systemctl stop haproxy
	rm -rf $PLACE && install -d -o vox $PLACE
	echo "stats socket $PLACE/socket" >$PLACE/cfg
	cat >$PLACE/run.py <<-END
		import ctypes, socket
		ctypes.CDLL(None).prctl(15, b"haproxy")
		rows = [f"workers,fleet-{at}-{n},UP,1,1,L7OK,198.51.100.3{at}:810{n}" for at in (1, 2) for n in (1, 2, 3)]
		table = "\n".join(["# pxname,svname,status,weight,act,check_status,addr", *rows, ""]).encode()
		door = socket.socket(socket.AF_UNIX)
		door.bind("$PLACE/socket")
		door.listen()
		while True:
		    caller, _ = door.accept()
		    caller.recv(100)
		    caller.sendall(table)
		    caller.close()
	END
	detached haproxy runuser -u vox -- python3 $PLACE/run.py -f $PLACE/cfg
	until_true test -S $PLACE/socket
}
landed() { ! systemctl -q is-active haproxy && pgrep -u vox -x haproxy && ! pgrep -u root -x haproxy; }
mend() {
	ended haproxy
	rm -r $PLACE
	systemctl start haproxy
}
