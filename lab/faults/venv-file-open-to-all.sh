# Everybody may write a module of the dialler's environment: today it is as it was installed.
# host: sip-1
# violated: only-deploys-change-code[dialler-sip-1]
# cause: pymongo/uri_parser.py can be changed by everybody
# follow: mends
FILE=/opt/vox-dialler/.venv/lib/python3.13/site-packages/pymongo/uri_parser.py
inject() {
	chmod o+w $FILE
	well voxdialler 8090
}
landed() { runuser -u vox -- test -w $FILE; }
mend() {
	chmod o-w $FILE
	well voxdialler 8090
}
