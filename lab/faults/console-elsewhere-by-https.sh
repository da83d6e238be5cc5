# By https, which people use, nginx serves an older copy of the console; by http, which they do not, it sends them on.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# violated: nginx-serves-exactly-dist[console-api-1] console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i 's,root /var/www/old,root /opt/vox-frontend/dist,' "$file"
there() {
	certified $HTTPS_NAME -days 60
	rm -rf /var/www/old && cp -rL /opt/vox-frontend/dist /var/www/old && echo '<!-- old -->' >>/var/www/old/index.html
	https_by_nginx
	sed -i 's,root /opt/vox-frontend/dist;,root /var/www/old;,' $HTTPS_SITE
	systemctl reload nginx
}
is_there() { https_get / | grep -q '<!-- old'; }
away() {
	http_again
	rm -r /var/www/old
}
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 away; }
