# Google's OS Login: its agent writes a user CA and two commands into sshd_config. Stand-ins for its programs.
# host: fleet-2
# common: most machines on Google Cloud
# entry: [sshd.fleet-2]
# entry: TrustedUserCAKeys = "/etc/ssh/oslogin_trustedca.pub"
# entry: AuthorizedPrincipalsCommand = "/usr/bin/google_authorized_principals %u %k"
# entry: AuthorizedKeysCommand = "/usr/bin/google_authorized_keys"
# entry: [keys.fleet-2]
# entry: "@cert-authority" = ["SHA256:Zb+hfW2t9rYXjh33lG6phcWhQxZsaWUc2PzsyZrA1Ws"]
# without: keys-are-known[fleet-2]
inject() {
	keep /etc/ssh/sshd_config
	install -m 755 /dev/stdin /usr/bin/google_authorized_keys <<<$'#!/bin/sh\nexit 0'
	install -m 755 /dev/stdin /usr/bin/google_authorized_principals <<<$'#!/bin/sh\nexit 0'
	install -m 644 /dev/stdin /etc/ssh/oslogin_trustedca.pub <<-'END'
		ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEhMDwJ9Ij63iSroplh/1MbfRk/WxYzxyBiIzW3UXt8P
	END
	cat >/run/sshd_config.new - /etc/ssh/sshd_config <<-'END'
		#### Google OS Login control. Do not edit this section. ####
		TrustedUserCAKeys /etc/ssh/oslogin_trustedca.pub
		AuthorizedPrincipalsCommand /usr/bin/google_authorized_principals %u %k
		AuthorizedPrincipalsCommandUser root
		AuthorizedKeysCommand /usr/bin/google_authorized_keys
		AuthorizedKeysCommandUser root
		#### End Google OS Login control section. ####
	END
	install -m 644 /run/sshd_config.new /etc/ssh/sshd_config
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T | grep -qx 'authorizedkeyscommand /usr/bin/google_authorized_keys'; }
mend() {
	back /etc/ssh/sshd_config
	rm /usr/bin/google_authorized_keys /usr/bin/google_authorized_principals /etc/ssh/oslogin_trustedca.pub /run/sshd_config.new
	systemctl reload ssh
}
