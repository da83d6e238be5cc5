# A container was created and never started; with restart=always the engine's next start runs it. docker ps does not show it.
# host: sip-1
# violated: only-livekit-in-containers[sip-1]
# follow: mends
inject() {
	docker tag livekit/sip:v1.2 vox/backend:1
	docker create --restart always --name waiting vox/backend:1 /bin/busybox sleep 1000
}
landed() { [ "$(docker inspect -f '{{.State.Status}}' waiting)" = created ] && [ -z "$(docker ps -q --filter name=waiting)" ]; }
left() { docker rmi vox/backend:1; }
mend() {
	docker rm -f waiting
	docker rmi vox/backend:1
}
