# nginx has settings for all sites: headers for security, gzip, limits, a log format.
# host: api-1
# common: most companies
FILE=/etc/nginx/conf.d/security.conf
inject() {
	cat >$FILE <<-'END'
		client_max_body_size 50m;
		client_body_timeout 15s;
		add_header X-Frame-Options SAMEORIGIN always;
		add_header X-Content-Type-Options nosniff always;
		add_header Referrer-Policy strict-origin-when-cross-origin always;
		add_header Strict-Transport-Security "max-age=31536000; includeSubDomains" always;
		limit_req_zone $binary_remote_addr zone=perip:10m rate=50r/s;
		log_format timed '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent $request_time';
	END
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q zone=perip; }
mend() {
	rm $FILE
	systemctl reload nginx
}
