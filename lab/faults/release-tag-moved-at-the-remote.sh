# The release's tag was moved at the remote after the deploy: the same name now means another commit.
# host: forge
# violated: head-is-the-release[console-api-1]
# follow: by hand, what stands at the remote is for who owns it
REPO=/home/git/oriserve1/vox-frontend.git
inject() {
	mkdir -p $FAULT && at_remote rev-parse refs/tags/vox-frontend-2026.06.24-1 >$FAULT/tag
	at_remote update-ref refs/tags/vox-frontend-2026.06.24-1 refs/tags/vox-frontend-2026.06.22-1
}
landed() { [ "$(at_remote rev-parse vox-frontend-2026.06.24-1)" = "$(at_remote rev-parse vox-frontend-2026.06.22-1)" ]; }
mend() { at_remote update-ref refs/tags/vox-frontend-2026.06.24-1 "$(cat $FAULT/tag)"; }
