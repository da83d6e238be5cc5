# nginx serves the backend's settings to whoever asks for /.env.
# host: api-1
# violated: console-exposes-nothing[console-api-1]
# cause: GET :80/.env is answered with 200 and something that is not the page
# follow: mends
# edit: sed -i '\,location = /.env {,d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	install -m 600 -o www-data /opt/vox-backend/.env /var/www/env.txt
	sed -i 's,location = /health {,location = /.env { alias /var/www/env.txt; }\n&,' $SITE
	systemctl reload nginx
}
landed() { get /.env 80 | grep -q JWT_SECRET; }
left() { rm /var/www/env.txt; }
mend() {
	back $SITE
	systemctl reload nginx
	rm /var/www/env.txt
}
