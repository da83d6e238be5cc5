# A source file is edited and hidden from git status: assume-unchanged, the same size, the old time.
# host: api-1
# violated: tree-is-the-commit[console-api-1]
# follow: as release-file-edited-in-place
FILE=/opt/vox-frontend/src/theme.css
inject() {
	keep $FILE
	sed -i 's/#/%/' $FILE
	touch -r $FAULT/kept$FILE $FILE
	as_deploy git -C /opt/vox-frontend update-index --assume-unchanged src/theme.css
}
landed() { [ -f $FAULT/kept$FILE ] && ! cmp -s $FILE $FAULT/kept$FILE && [ -z "$(as_deploy git -C /opt/vox-frontend status --porcelain)" ]; }
mend() {
	back $FILE
	as_deploy git -C /opt/vox-frontend update-index --no-assume-unchanged src/theme.css
}
