# The dialler calls by another SIP trunk than this estate's: who is called sees another number, and another account pays.
# host: sip-1
# violated: settings-are-what-the-estate-says[dialler-sip-1]
# follow: mends
# edit: sed -i 's/ST_production/ST_lab/' "$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	sed -i 's/^SIP_TRUNK_ID=.*/SIP_TRUNK_ID=ST_production/' $ENV
	well voxdialler 8090
}
landed() { grep -q ST_production $ENV && get /health 8090; }
mend() {
	back $ENV
	well voxdialler 8090
}
