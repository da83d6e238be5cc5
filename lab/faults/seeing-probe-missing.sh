# The installed probe is gone.
# host: fleet-2
# blind: *[*fleet-2*] !release-is-on-main[*] !all-workers-are-up[*] !capacity-adds-up[*]
#   fleet-runs-one-release exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
#   haproxy-sees-all-workers
# cause: fleet-2: could not look (missing): the probe ended with 1: sudo: /usr/local/sbin/voxgate-probe: command not found
# follow: mends
# fill: YOU=root
PROBE=/usr/local/sbin/voxgate-probe
inject() { mv $PROBE $PROBE.away; }
landed() { [ ! -e $PROBE ]; }
left() { rm -f $PROBE.away; }
mend() { mv $PROBE.away $PROBE; }
