# sshd shows a certificate of its host key beside the key, by the company's CA.
# host: fleet-1
# common: companies with an own SSH CA
PLACE=/etc/ssh/host-ca
inject() {
	install -d -m 700 $PLACE
	ssh-keygen -q -t ed25519 -N '' -C host-ca -f $PLACE/ca </dev/null
	cp /etc/ssh/ssh_host_ed25519_key.pub $PLACE/shown.pub
	ssh-keygen -q -s $PLACE/ca -I fleet-1 -h -n fleet-1.example.com,198.51.100.31 -V +52w $PLACE/shown.pub
	install -m 644 $PLACE/shown-cert.pub /etc/ssh/ssh_host_ed25519_key-cert.pub
	echo 'HostCertificate /etc/ssh/ssh_host_ed25519_key-cert.pub' >/etc/ssh/sshd_config.d/host-certificate.conf
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T | grep -qx 'hostcertificate /etc/ssh/ssh_host_ed25519_key-cert.pub' && ssh-keygen -Lf /etc/ssh/ssh_host_ed25519_key-cert.pub; }
mend() {
	rm -r $PLACE /etc/ssh/ssh_host_ed25519_key-cert.pub /etc/ssh/sshd_config.d/host-certificate.conf
	systemctl reload ssh
}
