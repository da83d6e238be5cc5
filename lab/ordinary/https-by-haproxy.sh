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
there() {
	certified $HTTPS_NAME -days 60
	https_by_haproxy
}
is_there() { https_get / | grep -q '<html' && ! get / 80; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_by_nginx_again; }
