# While the fleet is rolled, another worker goes down beside the one that is restarted, which takes long to come up.
# host: fleet-2
# deploy: fleet
# violated: rolling-restart-kept-serving[fleet]
# follow: by hand, the deploy has gone back by itself: what its hint says is for the next one
inject() {
	systemd-run --quiet --unit=second-down sh -c '
		first=$(systemctl show -P MainPID voxcore@1)
		until grep -q "\"phase\": \"restart\".*restart voxcore@1" /var/lib/voxgate/fleet/journal.json; do sleep 0.05; done
		until pid=$(systemctl show -P MainPID voxcore@1) && [ "$pid" != "$first" ] && [ "$pid" != 0 ] && kill -s STOP "$pid"; do sleep 0.01; done
		systemctl stop voxcore@3; sleep 5
		kill -s CONT "$pid"; systemctl start voxcore@3'
}
landed() { systemctl is-active --quiet second-down; }
mend() {
	systemctl stop second-down
	systemctl kill -s CONT voxcore@1
	systemctl start voxcore@3
}
