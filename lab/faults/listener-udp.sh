# A program of somebody takes SIP by UDP on a fleet host: no table of TCP shows it.
# host: fleet-1
# violated: only-expected-listeners[fleet-1]
# follow: mends
inject() {
	detached debug python3 -c 'import socket, time
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("0.0.0.0", 5060))
time.sleep(3600)'
	until_true grep -q ':13C4 ' /proc/net/udp
}
landed() { lives debug && grep -q ':13C4 ' /proc/net/udp; }
mend() { ended debug; }
