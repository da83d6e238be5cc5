# nginx's configuration was changed and is valid, and nginx was not told.
# host: api-1
# violated: nginx-runs-its-config[console-api-1]
# follow: mends
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	sleep 1.1
	echo '# gzip_comp_level 9;' >>$SITE
}
landed() { nginx -t && [ $SITE -nt "/proc/$(pgrep -u www-data -o nginx)" ]; }
mend() {
	back $SITE
	systemctl reload nginx
}
