# A second Python, compiled from source: `make altinstall` into /usr/local.
# host: api-1
# common: hosts that were set up for an older release
inject() {
	cp /usr/bin/python3.13 /usr/local/bin/python3.12
	mkdir -p /usr/local/lib/python3.12/site-packages/pip /usr/local/include/python3.12
	echo '__version__ = "24.3.1"' >/usr/local/lib/python3.12/site-packages/pip/__init__.py
	printf '#!/usr/local/bin/python3.12\nfrom pip import main\nmain()\n' >/usr/local/bin/pip3.12
	chmod 755 /usr/local/bin/pip3.12
	ln -s pip3.12 /usr/local/bin/pip3
}
landed() { /usr/local/bin/python3.12 -c 'print()' && [ -x /usr/local/bin/pip3.12 ]; }
mend() { rm -rf /usr/local/bin/python3.12 /usr/local/bin/pip3 /usr/local/bin/pip3.12 /usr/local/lib/python3.12 /usr/local/include/python3.12; }
