# People need a key and a one-time code (libpam-google-authenticator, Duo); the deploy account its key alone.
# host: sip-1
# common: companies with an audit
# entry: [sshd.sip]
# entry: KbdInteractiveAuthentication = "yes"
# entry: AuthenticationMethods = "publickey,keyboard-interactive"
# without: keys-are-known[sip-1]
inject() {
	install -m 644 /dev/stdin /etc/ssh/sshd_config.d/second-factor.conf <<-'END'
		KbdInteractiveAuthentication yes
		AuthenticationMethods publickey,keyboard-interactive
		Match User deploy
		    AuthenticationMethods publickey
	END
	sshd -t
	systemctl reload ssh
}
landed() { sshd -T -C user=root,host=x,addr=203.0.113.9 | grep -qx 'authenticationmethods publickey,keyboard-interactive'; }
mend() {
	rm /etc/ssh/sshd_config.d/second-factor.conf
	systemctl reload ssh
}
