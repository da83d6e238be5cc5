# chrony keeps the time, on Debian 12.
# host: data
# common: most hosts
inject() { package chrony; }
landed() { systemctl is-enabled -q chrony && chronyd -v; }
mend() { package_gone chrony; }
