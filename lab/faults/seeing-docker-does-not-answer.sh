# Docker's engine runs, and its socket cannot be asked.
# host: sip-1
# blind: only-livekit-in-containers[sip-1] livekit-is-healthy[sip-1] only-expected-listeners[sip-1]
# follow: by hand, nobody has followed it on a lab yet
inject() { mv /run/docker.sock /run/docker.sock.away; }
landed() { ! docker version; }
mend() { mv /run/docker.sock.away /run/docker.sock; }
