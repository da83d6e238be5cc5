# nginx serves an older copy to whoever comes from outside, and the right build by loopback only.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1] backend-health-is-clean[api-1-voxbridge]
# follow: mends
# edit: sed -i '/var.www.old/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	rm -rf /var/www/old && cp -rL /opt/vox-frontend/dist /var/www/old && echo '<!-- old -->' >>/var/www/old/index.html
	printf 'server { listen 198.51.100.21:80; root /var/www/old; location / { try_files $uri /index.html; } }\n' >>$SITE
	systemctl reload nginx
}
landed() { busybox wget -q -O - http://198.51.100.21/ | grep -q old && ! get / 80 | grep -q '<!-- old'; }
left() { rm -r /var/www/old; }
mend() {
	back $SITE
	systemctl reload nginx
	rm -r /var/www/old
}
