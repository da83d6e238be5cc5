# nginx serves phones something else than the page: whoever asks from a desk, or as a probe does, sees the right one.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-routes-are-known[console-api-1]
# follow: mends
# edit: sed -i '/# phones/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tindex index.html;,&\n\tif ($http_user_agent ~ iPhone) { rewrite ^/$ /favicon.svg last; } # phones,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() {
	get / 80 | grep -q '<html' &&
		printf 'GET / HTTP/1.0\r\nUser-Agent: Mozilla/5.0 (iPhone)\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q '<svg'
}
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
