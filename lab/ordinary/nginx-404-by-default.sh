# nginx has nothing for who asks by no name or a strange one, and the console by its own name alone.
# host: api-1
# common: whoever hardened a web server
# alone: every page of the console is asked for otherwise
# entry: [console]
# entry: url = "http://console.vox.example"
# without: nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# blind: console-exposes-nothing[console-api-1]
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's/ default_server;/;/; s/server_name _;/server_name console.vox.example;/' $SITE
	cat >>$SITE <<-'END'
		server {
			listen 80 default_server;
			listen [::]:80 default_server;
			server_name _;
			return 404;
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nHost: console.vox.example\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q '^HTTP/1.1 200' && ! get / 80; }
mend() {
	back $SITE
	systemctl reload nginx
}
