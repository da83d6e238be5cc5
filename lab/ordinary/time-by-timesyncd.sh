# systemd-timesyncd keeps the time, as on each Debian that has nothing else.
# host: sip-1
# common: most hosts
inject() { package systemd-timesyncd; }
landed() { is_installed systemd-timesyncd; }
mend() { package_gone systemd-timesyncd; }
