# A second Redis runs within Redis' own unit on the data host, on a port that the estate does not know, without a password.
# host: data
# violated: stores-are-private[data] only-expected-listeners[data]
# cause: redis-server.service listens on 0.0.0.0:6380, where redis must not be
# follow: mends
inject() {
	detached redis redis-server --port 6380 --bind 0.0.0.0 --protected-mode no --save '' --dir /var/tmp
	until_true listens 127.0.0.1 6380
	pid_of redis >/sys/fs/cgroup/system.slice/redis-server.service/cgroup.procs
}
landed() { listens 198.51.100.11 6380; }
mend() { ended redis; }
