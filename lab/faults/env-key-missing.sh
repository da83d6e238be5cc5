# A required setting is gone from .env. The process still has the old ones.
# host: sip-1
# violated: env-file-is-complete[dialler-sip-1] process-is-the-venvs[sip-1-voxdialler]
# follow: mends
# edit: cat /run/fault/kept/opt/vox-dialler/.env >"$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	sed -i /SIP_TRUNK_ID/d $ENV
}
landed() { ! grep -q SIP_TRUNK_ID $ENV; }
mend() {
	back $ENV
	well voxdialler 8090
}
