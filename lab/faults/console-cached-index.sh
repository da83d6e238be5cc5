# Browsers may keep the index: people stay on the old release.
# host: api-1
# violated: console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i 's/"max-age=86400"/"no-cache"/' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's/"no-cache"/"max-age=86400"/' $SITE
	systemctl reload nginx
}
landed() { busybox wget -S -q -O /dev/null http://127.0.0.1/index.html 2>&1 | grep -q 'max-age=86400'; }
mend() {
	back $SITE
	systemctl reload nginx
}
