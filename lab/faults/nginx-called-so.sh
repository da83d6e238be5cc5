# Something of a service's account calls itself a worker of nginx, beside the real one.
# host: api-1
# violated: nginx-runs-its-config[console-api-1]
# follow: mends
inject() {
	detached called runuser -u vox -- bash -c "exec -a 'nginx: worker process' \
		/usr/bin/python3 -c 'import ctypes, time; ctypes.CDLL(None).prctl(15, b\"nginx\"); time.sleep(1000)'"
	until_true pgrep -u vox -x nginx
}
landed() { lives called && pgrep -u vox -x nginx; }
mend() { ended called; }
