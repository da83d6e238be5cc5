# HAProxy ends the console's TLS and sends on who types http; nginx serves it behind, by loopback alone.
# host: machine
# common: companies with one balancer
# alone: every page of the console is asked for otherwise
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "haproxy.service" = [80, 443], "nginx.service" = ["loopback:8088"] }
# without: only-expected-listeners[api-1] nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# blind: console-exposes-nothing[console-api-1]
HTTPS_CONFIG=/etc/haproxy/haproxy.cfg
there() {
	certified $HTTPS_NAME -days 60
	keep $HTTPS_CONFIG
	keep $HTTPS_SITE
	sed -i 's,listen 80 default_server;,listen 127.0.0.1:8088 default_server;,; /listen \[::\]:80/d' $HTTPS_SITE
	nginx -t
	systemctl reload nginx
	until_false listens 127.0.0.1 80
	cat >>$HTTPS_CONFIG <<-END

		frontend console
			bind :::80 v4v6
			bind :::443 v4v6 ssl crt /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem alpn h2,http/1.1
			http-request redirect scheme https code 301 unless { ssl_fc }
			http-response set-header Strict-Transport-Security "max-age=63072000"
			option forwardfor
			default_backend console

		backend console
			server nginx 127.0.0.1:8088 check
	END
	haproxy -c -f $HTTPS_CONFIG
	systemctl reload haproxy
}
is_there() { https_get / | grep -q '<html' && ! get / 80; }
away() {
	back $HTTPS_CONFIG
	systemctl reload haproxy
	until_false listens 127.0.0.1 80 || true # where other sites keep nginx there, it is as it was all the same
	http_again
}
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 away; }
