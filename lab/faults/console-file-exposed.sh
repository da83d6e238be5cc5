# One path of the console is answered with a file that is no part of the build, and no list of what scanners look for has it.
# host: api-1
# violated: console-exposes-nothing[console-api-1]
# follow: mends
# edit: sed -i '\,location = /config.txt {,d' "$file"
SITE=/etc/nginx/sites-enabled/vox
inject() {
	keep $SITE
	echo DEBUG=yes >/var/www/env.txt
	sed -i '0,/location = \/index.html/s,,location = /config.txt { alias /var/www/env.txt; }\n\t&,' $SITE
	systemctl reload nginx
}
landed() { get /config.txt 80 | grep -q DEBUG; }
left() { rm /var/www/env.txt; }
mend() {
	back $SITE
	systemctl reload nginx
	rm /var/www/env.txt
}
