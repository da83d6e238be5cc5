# The probe's output ends in the middle.
# host: sip-1
# blind: *[*sip-1*] !release-is-on-main[*] !metrics-are-well-formed[*]
#   exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
# cause: sip-1: could not look (unparsable): the probe's document was cut short
# follow: mends
# fill: YOU=root
PROBE=/usr/local/sbin/voxgate-probe
inject() {
	mv $PROBE $PROBE.away
	printf '#!/bin/sh\n%s.away | head -c 30000\n' $PROBE >$PROBE
	chmod 755 $PROBE
}
landed() { grep -q 'head -c' $PROBE; }
mend() { mv $PROBE.away $PROBE; }
