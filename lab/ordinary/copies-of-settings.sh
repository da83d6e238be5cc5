# Settings as they were before a change lie beside them, and in root's home.
# host: api-1
# common: most companies
inject() {
	mkdir -p /root/backup-2026-06 /etc/nginx/sites-available
	cp /etc/nginx/sites-enabled/vox /etc/nginx/sites-available/vox.bak
	cp /etc/nginx/nginx.conf /etc/nginx/nginx.conf.orig
	cp /etc/haproxy/haproxy.cfg /etc/haproxy/haproxy.cfg.2026-06-01
	cp /etc/ssh/sshd_config /etc/ssh/sshd_config.dpkg-old
	tar -C / -czf /root/backup-2026-06/etc.tar.gz etc/nginx etc/haproxy etc/systemd
}
landed() { tar -tzf /root/backup-2026-06/etc.tar.gz | grep -q haproxy.cfg && [ -s /etc/haproxy/haproxy.cfg.2026-06-01 ]; }
mend() { rm -r /root/backup-2026-06 /etc/nginx/sites-available/vox.bak /etc/nginx/nginx.conf.orig /etc/haproxy/haproxy.cfg.2026-06-01 /etc/ssh/sshd_config.dpkg-old; }
