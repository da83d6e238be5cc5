# nginx sends /health to the console: 200, and a page.
# host: api-1
# violated: backend-health-is-clean[api-1-voxbridge] answers-come-from-the-unit[api-1-voxbridge]
# follow: mends
# edit: sed -i 's,location = /healthy {,location = /health {,' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,location = /health {,location = /healthy {,' $SITE
	systemctl reload nginx
}
landed() { get /health 80 | grep -qi '<html'; }
mend() {
	back $SITE
	systemctl reload nginx
}
