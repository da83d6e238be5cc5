# An app in a container that bears livekit's image, name and compose project: there is one too many.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
# fill: FILE=/opt/livekit/docker-compose.yml
inject() {
	docker run -d --name livekit-livekit-2 --label com.docker.compose.project=livekit --network none \
		livekit/livekit-server:v1.9 /bin/busybox sleep 1000
}
landed() { [ "$(docker ps -q --filter "name=livekit-livekit-[0-9]" | wc -l)" = 2 ]; }
mend() { docker rm -f livekit-livekit-2; }
