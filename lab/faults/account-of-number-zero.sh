# An account of another name has root's number: it is root, and no key and no rule of sudo's says so.
# host: fleet-2
# violated: sudo-is-minimal[fleet-2]
# cause: svc-update is root by another name
# follow: mends
inject() { useradd --non-unique --uid 0 --gid 0 --no-create-home --shell /bin/bash svc-update; }
landed() { [ "$(id -u svc-update)" = 0 ]; }
mend() { ! grep -q ^svc-update: /etc/passwd || sed -i /^svc-update:/d /etc/passwd /etc/shadow; }
