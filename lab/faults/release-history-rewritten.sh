# Main at the remote begins anew: one commit without a past, with the same files.
# host: forge
# violated: release-is-on-main[backend-api-1]
# follow: by hand, what stands at the remote is for who owns it
REPO=/home/git/oriserve1/vox-backend.git
inject() {
	mkdir -p $FAULT && at_remote rev-parse refs/heads/main >$FAULT/main
	at_remote update-ref refs/heads/main "$(echo anew | at_remote -c user.name=x -c user.email=x@x commit-tree 'main^{tree}')"
}
landed() { [ "$(at_remote rev-list --count main)" = 1 ]; }
mend() { at_remote update-ref refs/heads/main "$(cat $FAULT/main)"; }
