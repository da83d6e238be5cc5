# The console by https, as certbot leaves nginx: SNI, HTTP/2, HSTS, a certificate by the company's own CA; whoever types http is sent
# on, and other names get nothing.
# host: machine
# common: everybody
# alone: every page of the console is asked for otherwise
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# without: only-expected-listeners[api-1] nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# blind: console-exposes-nothing[console-api-1]
there() {
	certified $HTTPS_NAME -days 60
	https_by_nginx
}
is_there() {
	https_get / | grep -q '<html' &&
		printf 'GET / HTTP/1.0\r\nHost: %s\r\n\r\n' $HTTPS_NAME | busybox nc -w 3 127.0.0.1 80 | grep -q '^HTTP/1.1 301'
}
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_again; }
