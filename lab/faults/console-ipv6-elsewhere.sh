# Over IPv6 nginx serves another folder than over IPv4.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i '/var.www.six/d; s/^\tlisten 80 default_server;/&\n\tlisten [::]:80 default_server;/' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	mkdir -p /var/www/six && echo six >/var/www/six/index.html
	sed -i '/listen \[::\]:80/d' $SITE
	printf 'server { listen [::]:80 default_server; root /var/www/six; try_files $uri /index.html; }\n' >>$SITE
	systemctl reload nginx
}
landed() { busybox wget -q -O - 'http://[::1]/' | grep -qx six; }
left() { rm -r /var/www/six; }
mend() {
	back $SITE
	systemctl reload nginx
	rm -r /var/www/six
}
