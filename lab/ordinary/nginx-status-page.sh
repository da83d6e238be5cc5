# nginx tells its numbers to an agent, by loopback on a port of its own, as the agent's manual says.
# host: api-1
# common: hosts that are monitored
# entry: [listeners]
# entry: api = { "nginx.service" = ["loopback:8081"] }
# without: only-expected-listeners[api-1]
FILE=/etc/nginx/conf.d/status.conf
inject() {
	cat >$FILE <<-'END'
		server {
			listen 127.0.0.1:8081;
			server_name localhost;
			access_log off;
			location /nginx_status {
				stub_status;
				allow 127.0.0.1;
				deny all;
			}
			location / { return 200 "nothing here but us\n"; }
		}
	END
	nginx -t
	systemctl reload nginx
}
landed() { get /nginx_status 8081 | grep -q 'Active connections'; }
mend() {
	rm $FILE
	systemctl reload nginx
}
