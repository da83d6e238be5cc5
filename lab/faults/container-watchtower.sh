# Watchtower updates the containers by itself: what runs is then no release that anybody deployed.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
inject() {
	docker tag livekit/sip:v1.2 containrrr/watchtower:1.7.1
	docker run -d --name watchtower --network none containrrr/watchtower:1.7.1 /bin/busybox sleep 1000
}
landed() { [ "$(docker inspect -f '{{.State.Running}}' watchtower)" = true ]; }
left() { docker rmi containrrr/watchtower:1.7.1; }
mend() {
	docker rm -f watchtower
	docker rmi containrrr/watchtower:1.7.1
}
