# The console's site is hardened: a policy for what its page loads, bad robots refused, preflights answered, pictures as browsers take them.
# host: api-1
# common: whoever had a security review
SITE=/etc/nginx/sites-enabled/vox
MAPS=/etc/nginx/conf.d/hardened.conf
inject() {
	cat >$MAPS <<-'END'
		map $http_accept $webp { default ""; ~image/webp .webp; }
		map $http_user_agent $is_scanner { default 0; ~*(nikto|sqlmap|masscan) 1; }
		add_header Content-Security-Policy "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; frame-ancestors 'none'" always;
		add_header Permissions-Policy "camera=(), geolocation=()" always;
	END
	sed -i '0,/^\tlocation \/api\/ {/s,,\t# hardened\n\tif ($is_scanner) { return 403; }\n\tif ($request_method = OPTIONS) { return 204; }\n\tlocation ~* \\.(png|jpe?g)$ { try_files $uri$webp $uri =404; }\n\t# so far\n&,' $SITE
	nginx -t
	systemctl reload nginx
}
landed() { printf 'GET / HTTP/1.0\r\nUser-Agent: sqlmap\r\n\r\n' | busybox nc -w 3 127.0.0.1 80 | grep -q '^HTTP/1.1 403' && get / 80 | grep -q '<html'; }
mend() {
	sed -i '/# hardened/,/# so far/d' $SITE
	rm $MAPS
	systemctl reload nginx
}
