# npm is gone from the host: the console cannot be built.
# host: api-1
# deploy: console
# violated: release-was-installed[console-api-1]
# blind: service-was-restarted[console-api-1]
inject() { mv /usr/local/bin/npm /usr/local/bin/npm.away; }
landed() { ! npm --version; }
mend() { mv /usr/local/bin/npm.away /usr/local/bin/npm; }
