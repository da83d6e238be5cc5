# The team keeps the files of nginx and HAProxy in hosts/proxies. What lies beside them and is not read is nobody's concern: a
# site that is not enabled, what an editor and a package left.
# host: api-1
# common: companies that keep their hosts' configuration in git
# keeps: nginx haproxy
# alone: what others put into nginx's configuration is kept nowhere
FILES='/etc/nginx/sites-available/old.conf /etc/nginx/conf.d/api.conf.bak /etc/nginx/nginx.conf.dpkg-dist /etc/haproxy/haproxy.cfg.orig'
inject() {
	for one in $FILES; do echo '# as it was' >$one; done
	systemctl reload nginx # a file more in conf.d makes that younger than nginx
}
landed() { ls $FILES; }
mend() {
	rm $FILES
	systemctl reload nginx
}
