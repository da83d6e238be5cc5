# nginx's configuration on disk is broken; the old one is being served, until the next restart.
# host: api-1
# violated: nginx-runs-its-config[console-api-1]
# follow: mends
# edit: sed -i '$d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	echo 'server {' >>$SITE
}
landed() { ! nginx -t; }
mend() {
	back $SITE
	systemctl reload nginx
}
