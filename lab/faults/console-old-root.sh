# nginx serves a copy of an older build: every page is 200, and none is the release's.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1]
#   console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i 's,root /var/www/old;,root /opt/vox-frontend/dist;,' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	rm -rf /var/www/old && cp -rL /opt/vox-frontend/dist /var/www/old
	echo '<!-- old -->' >>/var/www/old/index.html
	sed -i 's,root /opt/vox-frontend/dist;,root /var/www/old;,' $SITE
	systemctl reload nginx
}
landed() { get / 80 | grep -q '<!-- old -->'; }
left() { rm -r /var/www/old; }
mend() {
	back $SITE
	systemctl reload nginx
	rm -r /var/www/old
}
