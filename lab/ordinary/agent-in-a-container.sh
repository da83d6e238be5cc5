# An agent of a monitoring service runs beside livekit, in a compose project of its own. Livekit's own image takes its image's place.
# host: sip-1
# common: SIP hosts that Datadog watches
# entry: [[agents.sip]]
# entry: image = "gcr.io/datadoghq/agent:7.60.0"
# entry: project = "datadog"
# entry: command = ["/bin/busybox", "sleep", "86400"]
# entry: mounts = ["/proc:/host/proc"]
# without: only-livekit-in-containers[sip-1]
FOLDER=/etc/datadog-compose
inject() {
	mkdir -p $FOLDER
	docker tag "$(docker ps --format '{{.Image}}' | grep -m1 livekit)" gcr.io/datadoghq/agent:7.60.0
	cat >$FOLDER/docker-compose.yml <<-'END'
		name: datadog
		services:
		  agent:
		    image: gcr.io/datadoghq/agent:7.60.0
		    command: ["/bin/busybox", "sleep", "86400"]
		    network_mode: host
		    volumes: ["/proc:/host/proc:ro"]
	END
	docker compose -f $FOLDER/docker-compose.yml up -d --pull never
}
landed() { docker ps --format '{{.Image}}' | grep -q datadoghq; }
mend() {
	docker compose -f $FOLDER/docker-compose.yml down -t 1
	docker rmi gcr.io/datadoghq/agent:7.60.0
	rm -r $FOLDER
}
