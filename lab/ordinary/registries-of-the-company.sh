# Settings of pip, uv and npm for all accounts: a mirror of the company's for pip and npm, patience and its own authority for uv.
# host: api-1
# common: companies with a mirror
inject() {
	install -d /etc/uv
	printf 'native-tls = true\nconcurrent-downloads = 8\npython-downloads = "never"\nkeyring-provider = "disabled"\n' >/etc/uv/uv.toml
	printf '[global]\nindex-url = https://pypi.example.com/simple\ntimeout = 20\n' >/etc/pip.conf
	install -d /usr/local/etc
	printf 'registry=https://npm.example.com/\nfund=false\n' >/usr/local/etc/npmrc
}
landed() { [ -f /etc/uv/uv.toml ] && [ -f /etc/pip.conf ]; }
mend() {
	rm -r /etc/uv /etc/pip.conf /usr/local/etc/npmrc
}
