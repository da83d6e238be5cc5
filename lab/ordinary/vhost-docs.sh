# Pages for operators, static files in a folder of their own, by a name of their own on the same nginx.
# host: api-1
# common: many companies
# entry: [console]
# entry: others = ["docs.vox.example", "*.docs.vox.example"]
# entry: web_roots = ["/var/www/docs"]
# without: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
SITE=/etc/nginx/sites-enabled/docs
inject() {
	mkdir -p /var/www/docs
	echo '<h1>Runbooks</h1>' >/var/www/docs/index.html
	cat >$SITE <<-'END'
		server {
			listen 80;
			listen [::]:80;
			server_name docs.vox.example *.docs.vox.example;
			root /var/www/docs;
			index index.html;
			location / { try_files $uri $uri/ =404; }
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nHost: old.docs.vox.example\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q Runbooks; }
mend() {
	rm -r $SITE /var/www/docs
	systemctl reload nginx
}
