# A script of the published build was edited after it was built.
# host: api-1
# violated: dist-is-this-build[console-api-1]
# follow: as release-file-edited-in-place
inject() {
	FILE=$(echo /opt/vox-frontend/dist/assets/*.js)
	keep "$FILE"
	echo '// hotfix' >>"$FILE"
}
landed() { grep -q '// hotfix' /opt/vox-frontend/dist/assets/*.js; }
mend() {
	back "$(echo /opt/vox-frontend/dist/assets/*.js)"
	published
}
