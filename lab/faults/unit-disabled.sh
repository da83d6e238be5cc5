# The backend runs, and the next boot does not start it.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
# follow: mends
inject() { systemctl disable -q voxbridge; }
landed() { [ ! -e /etc/systemd/system/multi-user.target.wants/voxbridge.service ]; }
mend() { systemctl enable -q voxbridge; }
