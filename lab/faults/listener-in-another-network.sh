# A program of somebody listens in a network namespace that it made for itself: the host's own tables do not show it.
# host: fleet-1
# violated: only-expected-listeners[fleet-1]
# follow: mends
inject() { detached debug unshare --net python3 -m http.server --bind 0.0.0.0 9229; }
landed() { lives debug && ! grep -q ':240D ' /proc/net/tcp && grep -q ':240D ' "/proc/$(pid_of debug)/net/tcp"; }
mend() { ended debug; }
