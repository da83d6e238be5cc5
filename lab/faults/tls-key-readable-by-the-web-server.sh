# The console is served by https, and the key of its certificate can be read by the account that nginx works as, and by all that
# runs as that: every page is right.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# violated: secret-files-are-roots-alone[api-1]
# cause: can be read by www-data
# follow: mends
there() {
	certified $HTTPS_NAME -days 60
	https_by_nginx
	chgrp www-data $HTTPS_LIVE/privkey.pem
	chmod 0640 $HTTPS_LIVE/privkey.pem
}
is_there() { https_get / | grep -q '<html' && runuser -u www-data -- cat $HTTPS_LIVE/privkey.pem; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_again; }
