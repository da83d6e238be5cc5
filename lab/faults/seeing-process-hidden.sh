# Something is mounted over a process in /proc: whatever it does, it is not to be seen there.
# host: data
# blind: no-node-runs[data] only-livekit-in-containers[data] exactly-one-dialler-per-database[vox]
#   clock-is-right[data] only-expected-listeners[data] stores-are-private[data] database-sees-one-dialler[vox]
#   keys-are-known[data] sudo-is-minimal[data] secret-files-are-roots-alone[data]
# cause: data: could not look (denied): something is mounted over
# follow: mends
inject() {
	mkdir -p $FAULT/nothing
	detached hidden sleep 3600
	mount --bind $FAULT/nothing "/proc/$(pid_of hidden)"
}
landed() { lives hidden && [ ! -e "/proc/$(pid_of hidden)/stat" ]; }
mend() {
	umount "/proc/$(pid_of hidden)"
	ended hidden
}
