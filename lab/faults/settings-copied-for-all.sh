# Somebody saved the backend's settings before a change: a copy that every account of the host can read.
# host: api-1
# violated: no-secret-leaks[backend-api-1]
# cause: stands in /var/backups/vox/backend-2026-06.txt
# follow: mends
# edit: touch "$file"
COPY=/var/backups/vox/backend-2026-06.txt
inject() {
	mkdir -p /var/backups/vox
	cp /opt/vox-backend/.env $COPY
	chmod 0644 $COPY
}
left() { rm -r /var/backups/vox; }
landed() { runuser -u nobody -- cat $COPY; }
mend() { rm -r /var/backups/vox; }
