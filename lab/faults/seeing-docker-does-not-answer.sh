# Docker's engine runs, and its socket cannot be asked.
# host: sip-1
# blind: only-livekit-in-containers[sip-1] livekit-is-healthy[sip-1] only-expected-listeners[sip-1]
# follow: mends
inject() { mv /run/docker.sock /run/docker.sock.away; }
landed() { ! docker version; }
left() { rm -f /run/docker.sock.away; }
mend() { mv /run/docker.sock.away /run/docker.sock; }
