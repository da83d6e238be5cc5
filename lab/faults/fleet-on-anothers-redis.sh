# The workers of one host register in a Redis outside of the estate: it answers, and nobody there knows of the others.
# host: machine
# violated: settings-lead-to-what-is-there[fleet-fleet-1] settings-are-the-same-everywhere[fleet-fleet-1]
#   capacity-adds-up[*]
# follow: mends
# edit: cat /run/fault.env >"$file"
ENV=/opt/vox-agents/.env
inject() {
	lab exec forge redis-server --bind 0.0.0.0 --protected-mode no --daemonize yes --dir /tmp --pidfile /run/fault.redis.pid --save ''
	lab exec fleet-1 bash -c "cp -a $ENV /run/fault.env && sed -i 's/^\(REDIS_URL=.*\)198\.51\.100\.11/\1198.51.100.10/' $ENV"
	lab exec fleet-1 systemctl restart voxcore@1 voxcore@2 voxcore@3
	until_true lab exec fleet-1 busybox wget -q -T 3 -O - http://127.0.0.1:8103/health
}
landed() { lab exec fleet-1 grep -q '^REDIS_URL=.*198.51.100.10' $ENV && lab exec forge redis-cli -h 198.51.100.10 client list | grep -q 198.51.100.31; }
left() {
	lab exec fleet-1 rm -f /run/fault.env
	lab exec forge redis-cli shutdown nosave || true
}
mend() {
	lab exec fleet-1 bash -c "cp -a /run/fault.env $ENV && rm /run/fault.env"
	lab exec fleet-1 systemctl restart voxcore@1 voxcore@2 voxcore@3
	until_true lab exec fleet-1 busybox wget -q -T 3 -O - http://127.0.0.1:8103/health
	lab exec forge redis-cli shutdown nosave
}
