# What a shell function of the deploy account does to the probe's document on its way: the word `disabled` becomes another.
# host: api-1
# blind: *[*api-1*] !release-is-on-main[*] !backend-health-is-clean[*]
#   exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox] haproxy-sees-all-workers
# cause: the probe's document is not signed by the host
# follow: by hand, somebody else writes as the account that deploys
RC=/home/deploy/.bashrc
inject() {
	keep $RC
	cat >$RC <<-'END'
		probing() { command /bin/sh "$@" | sed 's/"UnitFileState":"disabled"/"UnitFileState":"enabled"/g'; }
		function /bin/sh { case "$4" in *voxgate-probe*) probing "$@" ;; *) command /bin/sh "$@" ;; esac; }
	END
	systemctl disable -q voxbridge
}
landed() { grep -q probing $RC && [ ! -e /etc/systemd/system/multi-user.target.wants/voxbridge.service ]; }
mend() {
	back $RC
	systemctl enable -q voxbridge
}
