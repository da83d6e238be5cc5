# nginx has a second server, by the console's own name, with an older copy: who asks by an address gets the right build.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i '/var.www.old/,/} }/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	rm -rf /var/www/old && cp -rL /opt/vox-frontend/dist /var/www/old && echo '<!-- old -->' >>/var/www/old/index.html
	printf 'server { listen 80; listen [::]:80; server_name console.vox.example; root /var/www/old;
	location / { try_files $uri /index.html; } }\n' >>$SITE
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nHost: console.vox.example\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q old && ! get / 80 | grep -q '<!-- old'; }
left() { rm -r /var/www/old; }
mend() {
	back $SITE
	systemctl reload nginx
	rm -r /var/www/old
}
