# One of our services runs in a container on the SIP host.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
inject() {
	docker tag livekit/sip:v1.2 vox/backend:1
	docker run -d --name app --network none vox/backend:1 /bin/busybox sleep 1000
}
landed() { [ "$(docker inspect -f '{{.State.Running}}' app)" = true ]; }
mend() {
	docker rm -f app
	docker rmi vox/backend:1
}
