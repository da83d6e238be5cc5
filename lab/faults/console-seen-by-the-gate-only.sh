# nginx lets in nobody but the host itself, from where the gate asks.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# follow: mends
# edit: sed -i '/allow 198.51.100.21;.*deny all;/d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sed -i 's,^\tindex index.html;,&\n\tallow 127.0.0.0/8; allow ::1; allow 198.51.100.21; allow fd56:766f:7867::21; deny all;,' $SITE
	systemctl reload nginx
}
landed() { get / 80 | grep -q '<html' && nginx -T 2>/dev/null | grep -q 'allow 198.51.100.21'; }
mend() {
	back $SITE
	systemctl reload nginx
}
