# The console shows the certificate of another name: every browser turns people away, and each page is the release's.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# violated: people-reach-the-console-by-https
# follow: by hand, a certificate comes from a CA
there() {
	certified intranet.vox.example -days 60
	https_by_nginx
}
is_there() { openssl x509 -in $HTTPS_LIVE/fullchain.pem -noout -ext subjectAltName | grep -q intranet && https_get / | grep -q "<html"; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_again; }
