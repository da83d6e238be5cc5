# Another container bears livekit-sip's name, image and compose project, answers in its place, and has the whole host mounted.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
# fill: FILE=/opt/livekit/docker-compose.yml
NAME=livekit-livekit-sip-1
inject() {
	docker rm -f $NAME
	docker run -d --name $NAME --label com.docker.compose.project=livekit --network host --privileged -v /:/host \
		livekit/sip:v1.2 /bin/busybox httpd -f -p 5060 -h /www
	until_true get / 5060
}
landed() { [ "$(docker inspect -f '{{.HostConfig.Privileged}} {{.State.Running}}' $NAME)" = 'true true' ] && get / 5060; }
mend() {
	docker rm -f $NAME
	docker compose -f /opt/livekit/docker-compose.yml up --detach --quiet-pull
	until_true get / 5060
}
