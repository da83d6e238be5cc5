# Tools of npm's, installed for all accounts.
# host: api-1
# common: hosts that build a console
TOP=/usr/local/lib/node_modules/yarn
inject() {
	mkdir -p $TOP/bin
	printf '{"name": "yarn", "version": "1.22.22", "bin": {"yarn": "bin/yarn.js"}}\n' >$TOP/package.json
	printf '#!/usr/bin/env node\nconsole.log("1.22.22")\n' >$TOP/bin/yarn.js
	chmod 755 $TOP/bin/yarn.js
	ln -s ../lib/node_modules/yarn/bin/yarn.js /usr/local/bin/yarn
}
landed() { yarn | grep -q 1.22.22; }
mend() { rm -r $TOP /usr/local/bin/yarn; }
