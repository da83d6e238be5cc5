# Docker's engine takes a question and never answers.
# host: sip-1
# blind: only-livekit-in-containers[sip-1] livekit-is-healthy[sip-1] only-expected-listeners[sip-1]
# follow: mends
inject() { kill -STOP "$(pgrep -x dockerd)"; }
landed() { grep -q '^State:.T' "/proc/$(pgrep -x dockerd)/status"; }
mend() { kill -CONT "$(pgrep -x dockerd)"; }
