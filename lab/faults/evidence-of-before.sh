# The deploy account keeps what the probe said before, signature and all, and says it again once the host is another: everybody
# is root there by now.
# host: data
# blind: *[data] exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
# cause: what was printed is no answer of the probe
# follow: by hand, somebody else writes as the account that deploys
RC=/home/deploy/.bashrc KEPT=/home/deploy/kept
ask() {
	printf '{"format": 1, "services": [], "asked": "%s", "stores": ["redis-server.service", "mongod.service"]%s}' "$1" "$2" |
		as_deploy /usr/bin/sudo -n /usr/local/sbin/voxgate-probe
}
inject() {
	keep $RC
	mkdir -p $KEPT
	local asked seal key
	key=$(ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub | cut -d' ' -f2)
	seal=$(printf ', "nonce": "%064d", "key": "%s"' 0 "$key")
	for asked in brief whole; do ask "$asked" "$seal" >"$KEPT/$asked"; done
	cat >$RC <<-'END'
		again() { case "$(cat)" in *'"brief"'*) cat /home/deploy/kept/brief ;; *) cat /home/deploy/kept/whole ;; esac; }
		begun() { echo "$1"; echo "$1" >&2; }
		function /bin/sh { case "$4" in *voxgate-probe*) begun "$3"; again ;; *) command /bin/sh "$@" ;; esac; }
	END
	echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-all
}
landed() { grep -q again $RC && grep -q '"sections"' $KEPT/whole && as_deploy sudo -n true; }
mend() {
	back $RC
	rm -rf $KEPT /etc/sudoers.d/zz-all
}
