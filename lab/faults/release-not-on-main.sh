# Main was forced back at the remote: what is deployed is no longer part of it.
# host: forge
# violated: release-is-on-main[dialler-sip-1]
# follow: by hand, what stands at the remote is for who owns it
REPO=/home/git/oriserve1/vox-dialler.git
inject() {
	mkdir -p $FAULT && at_remote rev-parse refs/heads/main >$FAULT/main
	at_remote update-ref refs/heads/main vox-dialler-2026.06.22-1^0
}
landed() { [ "$(at_remote rev-parse main)" = "$(at_remote rev-parse vox-dialler-2026.06.22-1^0)" ]; }
mend() { at_remote update-ref refs/heads/main "$(cat $FAULT/main)"; }
