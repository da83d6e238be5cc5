# systemd does not answer: systemctl waits for ever.
# host: machine
# blind: keys-are-known[data] dialler-is-on-the-sip-host[data] exactly-one-dialler-per-database[vox] one-copy-only[data]
# follow: by hand, the hint boots the host, and cuts its calls
leader() { python -c 'from lab import hosts; print(hosts.leader("data"))'; }
inject() { kill -STOP "$(leader)"; }
landed() { grep -q '^State:.T' "/proc/$(leader)/status"; }
mend() { kill -CONT "$(leader)"; }
