# A script of the published build was edited, its manifest too, and the link was made anew: all agree, and all times are in order.
# host: api-1
# violated: dist-is-this-build[console-api-1]
# cause: its files are not those with which the release was judged good
# follow: as release-file-edited-in-place
inject() {
	BUILD=$(readlink -f /opt/vox-frontend/dist)
	FILE=$(echo "$BUILD"/assets/*.js)
	keep "$FILE"
	keep "$BUILD.sha256"
	as_deploy sh -euc "echo '// hotfix' >>'$FILE'; cd '$BUILD'; find . -type f -printf '%P\\0' | LC_ALL=C sort -z | xargs -0 sha256sum -- >'$BUILD.sha256'"
	published
}
landed() { cd "$(readlink -f /opt/vox-frontend/dist)" && grep -q '// hotfix' assets/*.js && sha256sum --quiet --check "$PWD.sha256"; }
mend() {
	BUILD=$(readlink -f /opt/vox-frontend/dist)
	back "$(echo "$BUILD"/assets/*.js)"
	back "$BUILD.sha256"
	published
}
