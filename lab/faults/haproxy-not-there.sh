# HAProxy is stopped on the host whose port the estate gives to it.
# host: api-1
# violated: haproxy-sees-all-workers
# cause: no HAProxy runs, and the estate says it does
# follow: mends
inject() { systemctl stop haproxy; }
landed() { ! listens 127.0.0.1 8100 && ! pgrep -x haproxy; }
mend() { systemctl start haproxy; }
