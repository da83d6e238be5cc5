# People and apt go out by a proxy: /etc/environment, a profile, apt's own setting.
# host: fleet-2
# common: companies with a proxy
inject() {
	printf '%s\n' 'http_proxy="http://proxy.example.com:3128"' 'https_proxy="http://proxy.example.com:3128"' \
		'no_proxy="localhost,127.0.0.1,198.51.100.0/24"' >>/etc/environment
	echo 'export HTTPS_PROXY=http://proxy.example.com:3128 NO_PROXY=localhost,127.0.0.1' >/etc/profile.d/proxy.sh
	echo 'Acquire::http::Proxy "http://proxy.example.com:3128";' >/etc/apt/apt.conf.d/95proxy
}
landed() { apt-config dump Acquire::http::Proxy | grep -q 3128; }
mend() {
	sed -i '/_proxy=/d' /etc/environment
	rm /etc/profile.d/proxy.sh /etc/apt/apt.conf.d/95proxy
}
