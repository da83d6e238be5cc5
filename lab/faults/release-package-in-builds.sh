# A folder that is the console's to have lies in a Python service, ignored by git: there it is a package, and can be imported.
# host: sip-1
# violated: no-foreign-files[dialler-sip-1] process-is-the-new-code[sip-1-voxdialler]
# follow: mends
DIR=/opt/vox-dialler
inject() {
	echo builds >>$DIR/.git/info/exclude
	as_deploy mkdir -p $DIR/builds
	as_deploy sh -c "echo X = 1 >$DIR/builds/__init__.py"
}
landed() {
	[ -z "$(as_deploy git -C $DIR status --porcelain)" ] && [ "$(cd $DIR && as_deploy .venv/bin/python -B -c 'import builds; print(builds.X)')" = 1 ]
}
left() {
	rm -rf $DIR/builds
	sed -i '/^builds$/d' $DIR/.git/info/exclude
}
mend() {
	rm -r $DIR/builds
	sed -i '/^builds$/d' $DIR/.git/info/exclude
}
