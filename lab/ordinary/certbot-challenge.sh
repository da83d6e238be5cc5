# Certbot's challenges are answered from a folder of their own, by the names that it renews.
# host: api-1
# common: most hosts with certificates of Let's Encrypt
# entry: [console]
# entry: web_roots = ["/var/www/letsencrypt"]
# entry: others = ["console-old.vox.example"]
# without: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
SITE=/etc/nginx/sites-enabled/letsencrypt
inject() {
	mkdir -p /var/www/letsencrypt/.well-known/acme-challenge
	echo token.key >/var/www/letsencrypt/.well-known/acme-challenge/token
	cat >$SITE <<-'END'
		server {
			listen 80;
			listen [::]:80;
			server_name console-old.vox.example;
			location ^~ /.well-known/acme-challenge/ {
				default_type "text/plain";
				root /var/www/letsencrypt;
			}
			location / { return 404; }
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() {
	printf 'GET /.well-known/acme-challenge/token HTTP/1.0\r\nHost: console-old.vox.example\r\n\r\n' |
		busybox nc -w 3 127.0.0.1 80 | grep -q token.key
}
mend() {
	rm -r $SITE /var/www/letsencrypt
	systemctl reload nginx
}
