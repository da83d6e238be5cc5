# nginx takes people of IPv4 and IPv6 by one socket, and names its default server by an address too.
# host: api-1
# common: hosts whose nginx was set up for IPv6
# alone: the same lines are changed where the console is served by https
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i '/listen 80 default_server;/d; s/listen \[::\]:80 default_server;/listen [::]:80 default_server ipv6only=off;/' $SITE
	nginx -t
	systemctl restart nginx
}
landed() { [ "$(ss -Hltn 'sport = :80' | wc -l)" = 1 ] && get / 80 | grep -q '<html'; }
mend() {
	back $SITE
	systemctl restart nginx
	until_true get / 80
}
