# A file that git ignores lies deep in the tree, where an import would find it: git status is clean.
# host: api-1
# violated: no-foreign-files[console-api-1]
# follow: mends
inject() {
	echo src/secret.js >>/opt/vox-frontend/.git/info/exclude
	echo 'export const x = 1' >/opt/vox-frontend/src/secret.js
}
landed() { [ -s /opt/vox-frontend/src/secret.js ] && [ -z "$(as_deploy git -C /opt/vox-frontend status --porcelain)" ]; }
mend() {
	rm /opt/vox-frontend/src/secret.js
	sed -i '/secret.js/d' /opt/vox-frontend/.git/info/exclude
}
