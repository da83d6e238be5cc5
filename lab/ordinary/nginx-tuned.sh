# nginx is tuned: real addresses behind a balancer, logs as JSON, a cache for what is proxied, limits, files kept open, maps.
# host: api-1
# common: most companies
FILE=/etc/nginx/conf.d/tuning.conf
inject() {
	cat >$FILE <<-'END'
		set_real_ip_from 10.0.0.0/8;
		real_ip_header X-Forwarded-For;
		log_format json escape=json '{"time":"$time_iso8601","status":"$status","uri":"$request_uri","agent":"$http_user_agent"}';
		access_log /var/log/nginx/access.json json buffer=32k flush=1m;
		proxy_cache_path /var/cache/nginx-api levels=1:2 keys_zone=api:10m max_size=1g inactive=60m use_temp_path=off;
		open_file_cache max=1000 inactive=20s;
		limit_conn_zone $binary_remote_addr zone=connections:10m;
		map $http_user_agent $is_robot { default 0; ~*bot 1; }
		geo $is_office { default 0; 192.0.2.0/24 1; }
		keepalive_timeout 65;
		reset_timedout_connection on;
		large_client_header_buffers 4 16k;
	END
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q keys_zone=api; }
mend() {
	rm $FILE
	systemctl reload nginx
	rm -rf /var/cache/nginx-api /var/log/nginx/access.json
}
