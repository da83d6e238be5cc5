# The backend dies between the two looks, and systemd starts it again: up in every single look.
# host: api-1
# violated: nothing-restarts-during-the-bake[api-1-voxbridge]
# bake: 8
# cause: voxbridge.service restarted between the two looks
# follow: by hand, its log says why it dies, and no command
BEFORE=$FAULT/before
pid() { systemctl show -P MainPID voxbridge; }
inject() {
	mkdir -p $FAULT && pid >$BEFORE
	# Armed: it dies as soon as the first probe has been here and gone. What is up again is asked, so that it connects.
	detached killer bash -c 'until pgrep -f ^/usr/bin/python3.*voxgate-probe; do sleep 0.05; done
		while pgrep -f ^/usr/bin/python3.*voxgate-probe; do sleep 0.05; done; kill -KILL $(systemctl show -P MainPID voxbridge)
		until busybox wget -q -T 3 -O - http://127.0.0.1:8080/health; do sleep 0.05; done'
}
landed() { lives killer || [ "$(pid)" != "$(cat $BEFORE)" ]; }
mend() {
	ended killer
	well voxbridge 8080
	pid >$BEFORE
}
