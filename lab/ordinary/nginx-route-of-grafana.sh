# Below the console's own name nginx leads one path to Grafana, and answers another with settings for the page.
# host: api-1
# common: small estates with one name
# entry: [console]
# entry: routes = ["/grafana/", "= /settings.js"]
# without: console-routes-are-known[console-api-1]
SITE=/etc/nginx/sites-enabled/vox
inject() {
	sed -i '0,/^\tlocation \/api\/ {/s,,\t# grafana\n\tlocation /grafana/ { proxy_pass http://127.0.0.1:3000; }\n\tlocation = /settings.js { default_type application/javascript; return 200 "window.REGION=1"; }\n\t# and so on\n&,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { get /settings.js 80 | grep -q REGION; }
mend() {
	sed -i '/# grafana/,/# and so on/d' $SITE
	systemctl reload nginx
}
