# nginx serves one asset of the build from a stale folder, cut short.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i '\,location = /favicon.svg,d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	mkdir -p /var/www/stale
	head -c 100 /opt/vox-frontend/dist/favicon.svg >/var/www/stale/favicon.svg
	sed -i 's,location = /health {,location = /favicon.svg { root /var/www/stale; }\n&,' $SITE
	systemctl reload nginx
}
landed() { [ "$(get /favicon.svg 80 | wc -c)" = 100 ]; }
left() { rm -r /var/www/stale; }
mend() {
	back $SITE
	systemctl reload nginx
	rm -r /var/www/stale
}
