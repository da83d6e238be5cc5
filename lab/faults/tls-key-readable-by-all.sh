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
there() {
	certified $HTTPS_NAME -days 60
	chmod 0644 /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem
	https_by_haproxy
}
is_there() { https_get / | grep -q '<html' && runuser -u nobody -- cat /etc/letsencrypt/archive/$HTTPS_NAME/both1.pem; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_by_nginx_again; }
