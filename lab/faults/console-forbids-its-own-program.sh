# A policy that was made for another site forbids browsers all that the page loads: the right page, and nothing to be seen.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1]
# follow: mends
# edit: sed -i '/Content-Security-Policy/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i "s,^\tlocation = /index.html {,&\n\t\tadd_header Content-Security-Policy \"default-src 'none'; img-src 'self'\" always;," $SITE
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q "^Content-Security-Policy: default-src 'none'"; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
