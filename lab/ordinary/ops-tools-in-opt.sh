# The company's own scripts: a checkout of another repository in /opt, linked into /usr/local/bin.
# host: sip-1
# common: most companies
TOP=/opt/ops-tools
inject() {
	mkdir -p $TOP/bin
	printf '#!/bin/sh\nss -tnp | grep -c :5060\n' >$TOP/bin/calls-now
	printf '#!/bin/sh\njournalctl -u voxdialler.service -n "${1:-50}" --no-pager\n' >$TOP/bin/dialler-log
	chmod 755 $TOP/bin/*
	git -C $TOP init -q
	git -C $TOP remote add origin git@bitbucket.org:oriserve1/ops-tools.git
	git -C $TOP add .
	git -C $TOP -c user.name=ops -c user.email=ops@example.com commit -q -m 'Tools for a look'
	ln -s $TOP/bin/calls-now $TOP/bin/dialler-log /usr/local/bin/
}
landed() { git -C $TOP log --oneline | grep -q Tools && [ -x /usr/local/bin/dialler-log ]; }
mend() { rm -r $TOP /usr/local/bin/calls-now /usr/local/bin/dialler-log; }
