# The console's certificate ended yesterday: every browser turns people away, and each page is the release's.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# violated: people-reach-the-console-by-https
# follow: by hand, certbot asks a CA that the lab has not
there() {
	certified $HTTPS_NAME -not_before 20260101000000Z -not_after "$(date -u -d yesterday +%Y%m%d000000Z)"
	https_by_nginx
}
is_there() { ! openssl x509 -in $HTTPS_LIVE/fullchain.pem -noout -checkend 0 && https_get / | grep -q '<html'; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_again; }
