# A host shows another key than the one that is pinned: it may be somebody else.
# host: data
# blind: *[data] exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox]
#   dialler-keeps-its-pace[sip-1-voxdialler] dialler-records-keep-the-contract[sip-1-voxdialler]
# cause: data, vox: could not look (unreachable): the host key has CHANGED
# follow: by hand, whether the host was rebuilt a person must know
KEY=/etc/ssh/ssh_host_ed25519_key
inject() {
	keep $KEY
	keep $KEY.pub
	rm $KEY $KEY.pub
	ssh-keygen -q -t ed25519 -N '' -f $KEY
	systemctl restart ssh
}
landed() { [ -f $FAULT/kept$KEY ] && ! cmp -s $KEY $FAULT/kept$KEY && listens 127.0.0.1 22; }
mend() {
	back $KEY
	back $KEY.pub
	systemctl restart ssh
}
