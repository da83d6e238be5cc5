# Whoever types the console's bare name sees it in the open: nothing sends people on to https.
# host: machine
# entry: [console]
# entry: url = "https://console.vox.example"
# entry: ca = "{cache}/lab/ordinary/ca.pem"
# entry: [listeners]
# entry: api = { "nginx.service" = [443] }
# violated: people-reach-the-console-by-https
# follow: mends
# edit: sed -i 's,^break;,return 301 https://$host$request_uri;,; s,^root /opt/vox-frontend/dist;,return 404;,' "$file"
there() {
	certified $HTTPS_NAME -days 60
	https_by_nginx
	sed -i 's,return 301 https.*,break;,; s,return 404; # managed by Certbot,root /opt/vox-frontend/dist;,' $HTTPS_SITE
	nginx -t
	systemctl reload nginx
}
is_there() { https_get / | grep -q '<html' && get / 80 | grep -q '<html'; }
inject() {
	on api-1 there
	https_ca api-1
}
landed() { on api-1 is_there; }
mend() { on api-1 http_again; }
