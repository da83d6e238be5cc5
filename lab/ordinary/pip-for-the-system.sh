# Packages installed by pip into the system's Python, by hand.
# host: fleet-2
# common: hosts on which people try things
TOP=/usr/local/lib/python3.13/dist-packages
inject() {
	mkdir -p $TOP/requests $TOP/requests-2.32.3.dist-info
	echo '__version__ = "2.32.3"' >$TOP/requests/__init__.py
	printf 'Metadata-Version: 2.1\nName: requests\nVersion: 2.32.3\n' >$TOP/requests-2.32.3.dist-info/METADATA
	printf 'pip\n' >$TOP/requests-2.32.3.dist-info/INSTALLER
	printf '#!/usr/bin/python3\nimport requests\nprint(requests.__version__)\n' >/usr/local/bin/whatversion
	chmod 755 /usr/local/bin/whatversion
}
landed() { /usr/local/bin/whatversion | grep -q 2.32.3; }
mend() { rm -r $TOP/requests $TOP/requests-2.32.3.dist-info /usr/local/bin/whatversion; }
