# nginx has forgotten the type of scripts: browsers refuse to run them.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1]
# follow: mends
# edit: sed -i '/types { text.plain js;/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,location /assets/ {,&\n\t\ttypes { text/plain js; text/css css; image/svg+xml svg; },' $SITE
	systemctl reload nginx
}
asset() { basename /opt/vox-frontend/dist/assets/*.js; }
landed() { busybox wget -S -q -O /dev/null "http://127.0.0.1/assets/$(asset)" 2>&1 | grep -qi 'content-type: text/plain'; }
mend() {
	back $SITE
	systemctl reload nginx
}
