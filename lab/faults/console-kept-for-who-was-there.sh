# nginx answers 304 to every browser that asks whether its page is still the same: who was there once stays on the old release.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-routes-are-known[console-api-1]
# follow: mends
# edit: sed -i '/if_none_match/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tindex index.html;,&\n\tif ($http_if_none_match) { return 304; },' $SITE
	nginx -t
	systemctl reload nginx
}
landed() {
	get / 80 | grep -q '<html' &&
		printf 'GET / HTTP/1.0\r\nIf-None-Match: "x"\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q '^HTTP/1.1 304'
}
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
