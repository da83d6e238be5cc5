# A file that no build made lies in the published folder, and is served.
# host: api-1
# violated: dist-is-this-build[console-api-1]
# follow: as release-file-edited-in-place
inject() { echo hello >/opt/vox-frontend/dist/note.txt; }
landed() { [ "$(get /note.txt 80)" = hello ]; }
mend() {
	rm /opt/vox-frontend/dist/note.txt
	published
}
