# The company's own root certificate is trusted by all programs.
# host: api-1
# common: companies with a proxy or services of their own
FILE=/usr/local/share/ca-certificates/company-root.crt
inject() {
	openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj '/O=Example GmbH/CN=Example Root CA' -keyout /dev/null -out $FILE
	update-ca-certificates
}
landed() { openssl verify -CAfile /etc/ssl/certs/ca-certificates.crt $FILE; }
mend() {
	rm $FILE
	update-ca-certificates --fresh
}
