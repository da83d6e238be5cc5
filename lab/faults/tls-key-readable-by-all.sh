# HAProxy ends the console's TLS, and its file of certificate and key was put there as files usually are, readable by all.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "haproxy.service" = [80, 443], "nginx.service" = ["loopback:8088"] }
# violated: secret-files-are-roots-alone[api-1]
# cause: can be read by everybody
# follow: mends
HTTPS_CONFIG=/etc/haproxy/haproxy.cfg
there() {
	certified $HTTPS_NAME -days 60
	chmod 0644 /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem
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
			default_backend console

		backend console
			server nginx 127.0.0.1:8088 check
	END
	systemctl reload haproxy
}
is_there() { https_get / | grep -q '<html' && runuser -u nobody -- cat /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem; }
away() {
	back $HTTPS_CONFIG
	systemctl reload haproxy
	until_false listens 127.0.0.1 80
	http_again
}
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 away; }
