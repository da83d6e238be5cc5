# The web server's group may write into a folder of the backend's code: it can put another file in the place of any in it.
# host: api-1
# violated: only-deploys-change-code[backend-api-1]
# cause: vox_backend can be changed by www-data
# follow: mends
FOLDER=/opt/vox-backend/vox_backend
inject() {
	chgrp www-data $FOLDER
	chmod g+w $FOLDER
	well voxbridge 8080
}
landed() { runuser -u www-data -- test -w $FOLDER; }
mend() {
	chgrp deploy $FOLDER
	chmod g-w $FOLDER
	well voxbridge 8080
}
