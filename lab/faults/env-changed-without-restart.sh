# A setting was changed and the service not restarted: what runs is not what stands there.
# host: sip-1
# violated: env-file-is-complete[dialler-sip-1] settings-are-what-the-estate-says[dialler-sip-1]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-dialler/.env >"$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	sed -i 's/^DIALLER_TICK_SECONDS=.*/DIALLER_TICK_SECONDS=5/' $ENV
}
landed() { grep -q SECONDS=5 $ENV; }
mend() {
	back $ENV
	well voxdialler 8090
}
