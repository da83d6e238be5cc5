# The probe, which deploy may run as root, belongs to deploy: between two looks it can be anything.
# host: sip-1
# violated: sudo-is-minimal[sip-1]
# follow: mends
inject() { chown deploy /usr/local/sbin/voxgate-probe; }
landed() { as_deploy test -w /usr/local/sbin/voxgate-probe; }
mend() { chown root /usr/local/sbin/voxgate-probe; }
