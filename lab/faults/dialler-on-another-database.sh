# The dialler works on another database than its own: one that another dialler may have.
# host: sip-1
# violated: exactly-one-dialler-per-database[vox] settings-are-what-the-estate-says[dialler-sip-1]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-dialler/.env >"$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	sed -i 's|^\(MONGODB_URI=.*\)/vox$|\1/vox_staging|' $ENV
	well voxdialler 8090
}
landed() { get /health 8090 | grep -q vox_staging; }
mend() {
	back $ENV
	well voxdialler 8090
}
