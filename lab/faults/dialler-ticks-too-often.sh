# One zero too many in the dialler's .env: ten ticks in place of one, and real people are called as often.
# host: sip-1
# violated: settings-are-what-the-estate-says[dialler-sip-1] dialler-keeps-its-pace[sip-1-voxdialler]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-dialler/.env >"$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	sed -i 's/^DIALLER_TICK_SECONDS=.*/DIALLER_TICK_SECONDS=0.1/' $ENV
	well voxdialler 8090
}
landed() { get /health 8090 | grep -q '"tick_interval_seconds":0.1'; }
mend() {
	back $ENV
	well voxdialler 8090
}
