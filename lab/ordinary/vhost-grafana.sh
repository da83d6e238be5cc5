# Grafana has a name of its own on the same nginx, which proxies it (here to the answer that it gives, as its package is not there).
# host: api-1
# common: hosts that serve more than one thing
# entry: [console]
# entry: others = ["grafana.vox.example"]
# without: nginx-serves-exactly-dist[console-api-1]
SITE=/etc/nginx/sites-enabled/grafana
inject() {
	cat >$SITE <<-'END'
		map $http_upgrade $connection_upgrade {
			default upgrade;
			'' close;
		}
		upstream grafana {
			server 127.0.0.1:3000;
		}
		server {
			listen 80;
			listen [::]:80;
			server_name grafana.vox.example;
			location = / {
				default_type text/html;
				return 200 '<title>Grafana</title>';
			}
			location / {
				proxy_set_header Host $host;
				proxy_pass http://grafana;
			}
			location /api/live/ {
				proxy_http_version 1.1;
				proxy_set_header Upgrade $http_upgrade;
				proxy_set_header Connection $connection_upgrade;
				proxy_set_header Host $host;
				proxy_pass http://grafana;
			}
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nHost: grafana.vox.example\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q Grafana; }
mend() {
	rm $SITE
	systemctl reload nginx
}
