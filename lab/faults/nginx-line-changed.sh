# In the console's site a line is another than the repository has: what people send may be a thousand times as large.
# host: api-1
# keeps: nginx haproxy
# violated: nginx-files-are-the-kept[console-api-1]
# follow: mends
# fill: YOU=root
# fill: hosts/proxies/lab/nginx=lab/recipe/roles/api/etc/nginx
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's/^\tserver_tokens off;/&\n\tclient_max_body_size 1g;/' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q 'client_max_body_size 1g'; }
left() { rm -f "$FAULT/kept$SITE"; }
mend() {
	back $SITE
	systemctl reload nginx
}
