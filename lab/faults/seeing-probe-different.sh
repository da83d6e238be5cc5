# The installed probe is another one than the gate's: what it says may be anything.
# host: data
# blind: *[data] exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
# cause: the probe on this host is not ours
# follow: mends
# fill: YOU=root
PROBE=/usr/local/sbin/voxgate-probe
inject() {
	keep $PROBE
	echo '# an older one' >>$PROBE
}
landed() { [ -f $FAULT/kept$PROBE ] && ! cmp -s $PROBE $FAULT/kept$PROBE; }
mend() { back $PROBE; }
