# livekit-sip dies between the two looks, and docker starts it again: the same container, running in every look.
# host: sip-1
# violated: livekit-is-healthy[sip-1]
# bake: 6
# follow: by hand, its log says why it dies, and no command
started() { docker inspect -f '{{.State.StartedAt}}' livekit-livekit-sip-1; }
inject() {
	mkdir -p $FAULT && started >$FAULT/started
	detached killer bash -c 'until pgrep -f ^/usr/bin/python3.*voxgate-probe; do sleep 0.05; done
		while pgrep -f ^/usr/bin/python3.*voxgate-probe; do sleep 0.05; done
		kill -KILL $(docker inspect -f "{{.State.Pid}}" livekit-livekit-sip-1)'
}
landed() { lives killer || [ "$(started)" != "$(cat $FAULT/started)" ]; }
mend() {
	ended killer
	until_true listens 127.0.0.1 5060
	started >$FAULT/started
}
