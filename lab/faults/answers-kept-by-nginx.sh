# nginx answers for the backend's health itself, with a page that was right when it was copied.
# host: api-1
# violated: answers-come-from-the-unit[api-1-voxbridge]
# follow: mends
# edit: cat /run/fault/kept/etc/nginx/sites-enabled/vox >"$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	get /health 8080 >"$FAULT/health"
	sed -i "s#location = /health {#location = /health { default_type application/json; return 200 '$(cat "$FAULT/health")'; }\n\tlocation = /health/of-before {#" $SITE
	nginx -t
	systemctl reload nginx
	until_true grep -q of-before $SITE
}
landed() { grep -q of-before $SITE && get /health 80 | grep -q vox-backend; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
