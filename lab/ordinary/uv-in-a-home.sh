# uv is there for the deploy account alone, as its own installer leaves it in a home: builds and looks use that one.
# host: sip-1
# common: hosts set up by hand
inject() {
	install -d -o deploy -g deploy -m 775 /home/deploy/.local /home/deploy/.local/bin
	install -o deploy -g deploy -m 755 /usr/local/bin/uv /home/deploy/.local/bin/uv
	mv /usr/local/bin/uv /usr/local/bin/uv.away
}
landed() { ! command -v uv && as_deploy /home/deploy/.local/bin/uv --version; }
mend() {
	mv /usr/local/bin/uv.away /usr/local/bin/uv
	rm -r /home/deploy/.local
}
