# Every user of the host can read the secrets.
# host: sip-1
# violated: env-file-is-complete[dialler-sip-1]
# follow: mends
ENV=/opt/vox-dialler/.env
inject() {
	chmod 0644 $ENV
	well voxdialler 8090
}
landed() { as_deploy cat $ENV; }
mend() {
	chmod 0600 $ENV
	well voxdialler 8090
}
