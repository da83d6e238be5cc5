# A file of the dialler's code belongs to nobody, and everybody may write it: what runs after the next start is anybody's.
# host: sip-1
# violated: only-deploys-change-code[dialler-sip-1]
# cause: vox_dialler/pacing.py belongs to nobody
# follow: mends
FILE=/opt/vox-dialler/vox_dialler/pacing.py
inject() {
	chown nobody $FILE
	chmod 0666 $FILE
	well voxdialler 8090
}
landed() { runuser -u nobody -- test -w $FILE && runuser -u vox -- test -w $FILE; }
mend() {
	chown deploy $FILE
	chmod 0644 $FILE
	well voxdialler 8090
}
