# The backend's secrets can be read by the web server: its group has the file, and the mode looks right.
# host: api-1
# violated: env-file-is-complete[backend-api-1]
# cause: can be read by www-data too
# follow: mends
ENV=/opt/vox-backend/.env
inject() {
	chown vox:www-data $ENV
	chmod 0640 $ENV
	well voxbridge 8080
}
landed() { runuser -u www-data -- cat $ENV; }
mend() {
	chown vox:vox $ENV
	chmod 0600 $ENV
	well voxbridge 8080
}
