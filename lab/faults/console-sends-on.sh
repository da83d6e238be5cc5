# A header beside the right page sends whoever sees it on to another one.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1]
# follow: mends
# edit: sed -i '/Refresh/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tlocation = /index.html {,&\n\t\tadd_header Refresh "3; url=http://198.51.100.11/";,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q '^Refresh: 3'; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
