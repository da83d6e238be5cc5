# The console's site answers a few things by itself: a balancer's question, robots, a crawler's path, its numbers for the host alone.
# host: api-1
# common: most sites
SITE=/etc/nginx/sites-enabled/vox
inject() {
	sed -i '0,/^\tlocation \/ {/s,,\t# small\n\tlocation = /lb-check { access_log off; default_type text/plain; return 200 "ok"; }\n\tlocation = /robots.txt { return 200 "User-agent: *\\nDisallow: /\\n"; }\n\tlocation = /favicon.ico { log_not_found off; access_log off; }\n\tlocation ~ ^/(wp-admin|phpmyadmin) { return 444; }\n\tlocation = /nginx_status { stub_status; allow 127.0.0.1; deny all; }\n\t# answers\n&,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q lb-check; }
mend() {
	sed -i '/# small/,/# answers/d' $SITE
	systemctl reload nginx
}
