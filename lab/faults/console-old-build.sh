# The published link points to another build than the release's, whole and with its manifest.
# host: api-1
# violated: dist-is-this-build[console-api-1]
# follow: as release-file-edited-in-place
BUILDS=/opt/vox-frontend/builds
OTHER=0123456789012345678901234567890123456789
inject() {
	mkdir -p $FAULT && readlink /opt/vox-frontend/dist >$FAULT/dist
	cp -a "$BUILDS/$(basename "$(cat $FAULT/dist)")" $BUILDS/$OTHER
	cp -a "$BUILDS/$(basename "$(cat $FAULT/dist)").sha256" $BUILDS/$OTHER.sha256
	ln -sfn builds/$OTHER /opt/vox-frontend/dist
}
landed() { [ "$(readlink /opt/vox-frontend/dist)" = builds/$OTHER ]; }
mend() {
	ln -sfn "$(cat $FAULT/dist)" /opt/vox-frontend/dist
	chown -h deploy:deploy /opt/vox-frontend/dist
	rm -r $BUILDS/$OTHER $BUILDS/$OTHER.sha256
}
