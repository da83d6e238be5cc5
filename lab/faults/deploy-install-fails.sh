# npm is there, and the build fails: the console cannot be installed.
# host: api-1
# deploy: console
# violated: release-was-installed[console-api-1]
# blind: service-was-restarted[console-api-1]
# follow: by hand, the deploy has gone back by itself: what its hint says is for the next one
NPM=/usr/local/bin/npm
inject() {
	mv $NPM $NPM.away
	cat >$NPM <<-'END'
		#!/bin/sh
		[ "$1" != run ] || { echo "error: the build fails" >&2; exit 1; }
		exec /usr/local/bin/npm.away "$@"
	END
	chmod 755 $NPM
}
landed() { grep -q 'the build fails' $NPM; }
mend() { mv $NPM.away $NPM; }
