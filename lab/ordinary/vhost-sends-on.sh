# An older name of the console sends people on to the one of today, and a name for programs is proxied and has no page.
# host: api-1
# common: whoever changed a name once
SITE=/etc/nginx/sites-enabled/older-names
inject() {
	cat >$SITE <<-'END'
		server {
			listen 80;
			listen [::]:80;
			server_name www.vox.example;
			return 301 https://console.vox.example$request_uri;
		}
		server {
			listen 80;
			listen [::]:80;
			server_name api.vox.example;
			location /api/ {
				proxy_pass http://127.0.0.1:8080;
				include /etc/nginx/vox-proxy.conf;
			}
			location / { return 404; }
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nHost: www.vox.example\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q 'https://console.vox.example/'; }
mend() {
	rm $SITE
	systemctl reload nginx
}
