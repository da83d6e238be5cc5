# The deploy account asks the probe for less than the gate did: not whether the settings are there of which one is missing.
# host: api-1
# blind: *[*api-1*] !release-is-on-main[*] !backend-health-is-clean[*]
#   exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox] haproxy-sees-all-workers
# cause: the probe's document answers another question
# follow: by hand, somebody else writes as the account that deploys
RC=/home/deploy/.bashrc ENV=/opt/vox-backend/.env
inject() {
	keep $RC
	keep $ENV
	cat >$RC <<-'END'
		less() { sed 's/"required_settings": \[[^]]*\]/"required_settings": []/g' | command /bin/sh "$@"; }
		function /bin/sh { case "$4" in *voxgate-probe*) less "$@" ;; *) command /bin/sh "$@" ;; esac; }
	END
	sed -i '/^REDIS_URL=/d' $ENV
}
landed() { grep -q less $RC && ! grep -q REDIS_URL $ENV; }
mend() {
	back $RC
	back $ENV
	well voxbridge 8080
}
