# The object store is down: the backend says so.
# host: data
# violated: backend-health-is-clean[api-1-voxbridge]
#   backend-reaches-its-stores[backend-api-1] stores-are-private[data]
# cause: s3.service does not listen on port 9000
# follow: mends
inject() { systemctl stop s3; }
landed() { ! listens 127.0.0.1 9000; }
mend() {
	systemctl start s3
	until_true listens 127.0.0.1 9000
}
