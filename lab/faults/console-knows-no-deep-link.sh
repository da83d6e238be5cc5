# nginx has no page for what is no file: who opens a call's own address, or comes back to it, gets 404.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1]
# follow: mends
# edit: sed -i 's,try_files $uri $uri/ =404,try_files $uri $uri/ /index.html,' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,try_files $uri $uri/ /index.html,try_files $uri $uri/ =404,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { get / 80 | grep -q '<html' && ! get /calls/7 80; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
