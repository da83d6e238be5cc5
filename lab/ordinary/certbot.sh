# certbot renews a certificate by its timer, from Debian's package.
# host: sip-1
# common: hosts that the internet asks
inject() {
	package certbot
	mkdir -p /etc/letsencrypt/renewal /etc/letsencrypt/renewal-hooks/deploy
	printf '#!/bin/sh\nsystemctl kill -s HUP sip-proxy.service 2>/dev/null || true\n' >/etc/letsencrypt/renewal-hooks/deploy/sip
	chmod 755 /etc/letsencrypt/renewal-hooks/deploy/sip
	printf 'version = 4.0.0\narchive_dir = /etc/letsencrypt/archive/sip.example.com\n[renewalparams]\nauthenticator = standalone\n' \
		>/etc/letsencrypt/renewal/sip.example.com.conf
	systemctl start certbot.timer
}
landed() { systemctl list-timers | grep -q certbot.service; }
mend() {
	package_gone certbot
	rm -rf /etc/letsencrypt /var/log/letsencrypt /var/lib/letsencrypt
}
