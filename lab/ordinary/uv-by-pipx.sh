# uv was installed with pipx for all accounts: what lies in /usr/local/bin is a link, and a second uv lies beside it.
# host: api-1
# common: hosts set up by hand
TOP=/opt/pipx/venvs/uv/bin
inject() {
	install -d $TOP
	cp -a /usr/local/bin/uv $TOP/uv
	keep /usr/local/bin/uv
	ln -sfn $TOP/uv /usr/local/bin/uv
	cp -a $TOP/uv /usr/local/bin/uv-0.9
}
landed() { [ "$(readlink -f /usr/local/bin/uv)" = $TOP/uv ] && uv --version; }
mend() {
	rm -f /usr/local/bin/uv /usr/local/bin/uv-0.9
	back /usr/local/bin/uv
	rm -r /opt/pipx
}
