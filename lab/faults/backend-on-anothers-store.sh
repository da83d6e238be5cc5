# The backend's REDIS_URL leads to a Redis outside of the estate: it answers, it is well, and it holds somebody else's data.
# host: machine
# violated: backend-reaches-its-stores[backend-api-1] settings-are-the-same-everywhere[backend-api-1]
# follow: mends
# edit: cat /run/fault.env >"$file"
ENV=/opt/vox-backend/.env
inject() {
	lab exec forge redis-cli ping || lab exec forge redis-server --bind 0.0.0.0 --protected-mode no --daemonize yes --dir /tmp --pidfile /run/fault.redis.pid --save ''
	lab exec api-1 bash -c "cp -a $ENV /run/fault.env && sed -i 's/^\(REDIS_URL=.*\)198\.51\.100\.11/\1198.51.100.10/' $ENV"
	lab exec api-1 systemctl restart voxbridge
	until_true lab exec api-1 busybox wget -q -T 3 -O - http://127.0.0.1:8080/health
}
landed() { lab exec api-1 grep -q '^REDIS_URL=.*198.51.100.10' $ENV && lab exec forge redis-cli -h 198.51.100.10 client list | grep -q 198.51.100.21; }
left() {
	lab exec api-1 rm -f /run/fault.env
	lab exec forge redis-cli shutdown nosave || true
}
mend() {
	lab exec api-1 bash -c "cp -a /run/fault.env $ENV && rm /run/fault.env"
	lab exec api-1 systemctl restart voxbridge
	until_true lab exec api-1 busybox wget -q -T 3 -O - http://127.0.0.1:8080/health
	lab exec forge redis-cli shutdown nosave
}
