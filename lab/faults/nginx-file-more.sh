# A file more in conf.d, of nobody's repository: it writes what is asked for into a log of its own, and changes no answer.
# host: api-1
# keeps: nginx haproxy
# violated: nginx-files-are-the-kept[console-api-1]
# follow: mends
FILE=/etc/nginx/conf.d/more.conf
inject() {
	cat >$FILE <<-'END'
		log_format everything '$remote_addr $request $http_authorization';
		access_log /var/log/nginx/everything.log everything;
	END
	nginx -t
	systemctl reload nginx
}
landed() { nginx -T 2>/dev/null | grep -q everything.log; }
left() { rm -f /var/log/nginx/everything.log; }
mend() {
	rm -f $FILE
	systemctl reload nginx
	left
}
