# logrotate turns over what nginx and a service write, and tells nginx; a file names the service's folder.
# host: api-1
# common: most hosts
FILE=/etc/logrotate.d/vox
inject() {
	cat >$FILE <<-'END'
		/var/log/nginx/*.log /opt/vox-backend/logs/*.log {
			weekly
			rotate 8
			missingok
			notifempty
			compress
			su deploy deploy
			sharedscripts
			postrotate
				[ -f /run/nginx.pid ] && kill -USR1 $(cat /run/nginx.pid)
			endscript
		}
	END
}
landed() { [ -f $FILE ]; }
mend() { rm $FILE; }
