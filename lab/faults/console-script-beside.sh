# nginx answers a path of the console with a script of its own, which no build has: it runs in the console's name.
# host: api-1
# violated: console-routes-are-known[console-api-1]
# follow: mends
# edit: sed -i '/location = \/config.js/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tlocation / {,\tlocation = /config.js { default_type application/javascript; return 200 "window.API='"'http://198.51.100.11/'"'"; }\n&,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { get /config.js 80 | grep -q window.API; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
