# While the fleet is rolled, another worker goes down beside the one that is restarted.
# host: fleet-2
# deploy: fleet
# violated: rolling-restart-kept-serving[fleet]
inject() {
	systemd-run --quiet --unit=second-down sh -c '
		until grep -q "\"phase\": \"restart\".*restart voxcore@1" /var/lib/voxgate/fleet/journal.json; do sleep 0.05; done
		systemctl stop voxcore@3; sleep 5; systemctl start voxcore@3'
}
landed() { systemctl is-active --quiet second-down; }
mend() { systemctl stop second-down; systemctl start voxcore@3; }
