# A program of somebody waits by UDP on another client port every moment: none of them is open for two looks.
# host: fleet-1
# violated: only-expected-listeners[fleet-1]
# follow: mends
inject() {
	detached debug python3 -c 'import socket, time
before = None
while True:
    one = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    one.bind(("0.0.0.0", 0))
    before = one
    time.sleep(0.5)'
	until_true landed
}
landed() { lives debug && ss -Hlnup | grep -q python3; }
mend() { ended debug; }
