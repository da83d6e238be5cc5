# A company CA signs its people's keys (TrustedUserCAKeys); a file says which names in a certificate log in as which account.
# host: api-1
# common: companies with an own SSH CA, HashiCorp Vault, smallstep
# entry: [sshd.api-1]
# entry: TrustedUserCAKeys = "/etc/ssh/user_ca.pub"
# entry: AuthorizedPrincipalsFile = "/etc/ssh/auth_principals/%u"
# entry: [keys.api-1]
# entry: "@cert-authority" = ["SHA256:3fZgLt7kNeDqcgtHhZXItGL7d77QSfr0fmwrUrfoU9A"]
# entry: root = ["principal:on-call"]
# without: keys-are-known[api-1]
inject() {
	install -m 644 /dev/stdin /etc/ssh/user_ca.pub <<-'END'
		ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIKY118lsuKKcQsjJfAdnfgK7XrdysJZ+1WVHulQjp2KA user-ca@example.com
	END
	install -d /etc/ssh/auth_principals
	install -m 644 /dev/stdin /etc/ssh/auth_principals/root <<<on-call
	install -m 644 /dev/stdin /etc/ssh/sshd_config.d/user-ca.conf <<-'END'
		TrustedUserCAKeys /etc/ssh/user_ca.pub
		AuthorizedPrincipalsFile /etc/ssh/auth_principals/%u
	END
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T | grep -qx 'trustedusercakeys /etc/ssh/user_ca.pub'; }
mend() {
	rm -r /etc/ssh/sshd_config.d/user-ca.conf /etc/ssh/user_ca.pub /etc/ssh/auth_principals
	systemctl reload ssh
}
