# The process of livekit-sip is halted by a signal: its container is running all the same.
# host: sip-1
# violated: livekit-is-healthy[sip-1]
# follow: mends
pid() { docker inspect -f '{{.State.Pid}}' livekit-livekit-sip-1; }
inject() { kill -STOP "$(pid)"; }
landed() { grep -q '^State:.T' "/proc/$(pid)/status"; }
mend() { kill -CONT "$(pid)"; }
