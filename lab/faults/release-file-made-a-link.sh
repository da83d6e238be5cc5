# A file of the tree is now a link to a copy elsewhere: the content is the same, and whoever owns the copy owns the file.
# host: api-1
# violated: tree-is-the-commit[console-api-1]
# follow: as release-file-edited-in-place
FILE=/opt/vox-frontend/vite.config.js
inject() {
	keep $FILE
	ln -sf $FAULT/kept$FILE $FILE
}
landed() { [ -L $FILE ]; }
mend() {
	rm $FILE
	back $FILE
}
