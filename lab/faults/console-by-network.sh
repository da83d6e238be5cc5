# nginx serves people of one network something else than the page: nobody who looks comes from there.
# host: api-1
# violated: console-routes-are-known[console-api-1]
# follow: mends
# edit: sed -i '/network_of_some/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tindex index.html;,&\n\tif ($network_of_some) { rewrite ^/$ /favicon.svg last; },; 1i geo $network_of_some { default 0; 203.0.113.0/24 1; }' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q 'if ($network_of_some)' && get / 80 | grep -q '<html'; }
mend() {
	back $SITE
	nginx -t
	systemctl reload nginx
}
