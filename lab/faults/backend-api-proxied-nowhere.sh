# nginx leads the API to a port where nobody is, and /health to the backend: the console is there, and does nothing.
# host: api-1
# violated: backend-health-is-clean[api-1-voxbridge] console-routes-are-known[console-api-1]
# follow: mends
# edit: sed -i 's/127.0.0.1:8079/127.0.0.1:8080/' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i '/location \/api\/ {/,/}/s/127.0.0.1:8080/127.0.0.1:8079/' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { get /health 80 | grep -q vox-backend && ! get /api/ping 80; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
