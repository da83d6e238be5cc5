# A second Redis runs on the API host, for all to reach.
# host: api-1
# violated: stores-are-private[api-1] only-expected-listeners[api-1]
# follow: mends
inject() { detached redis redis-server --port 6379 --bind 0.0.0.0 --protected-mode no --save '' --dir /var/tmp; }
landed() { listens 198.51.100.21 6379; }
mend() { ended redis; }
