# A line in the dialler's .env says that a part of its folder's name is a secret, and a second one is started by hand.
# host: sip-1
# violated: exactly-one-dialler-per-database[vox] units-are-all-there-are[dialler-sip-1]
#   env-file-holds-what-is-known[dialler-sip-1]
# follow: mends
# edit: sed -i '/^SIP_SECRET=ialler/d' "$file"
ENV=/opt/vox-dialler/.env
inject() {
	keep $ENV
	echo 'SIP_SECRET=ialler/' >>$ENV
	well voxdialler 8090
	detached second bash -c 'cd / && exec runuser -u vox -- /usr/bin/python3 -c "import time; time.sleep(1000)" /opt/vox-dialler/.venv/lib'
}
landed() { lives second && pgrep -u vox -f '^/usr/bin/python3 -c import time'; }
mend() {
	ended second
	back $ENV
	well voxdialler 8090
}
