# The settings of the services are packed away each night: a job that reads a service's folder.
# host: api-1
# common: many hosts
# entry: [jobs]
# entry: api = ["/etc/cron.d/settings: /opt/vox-backend"]
# without: one-copy-only[api-1]
inject() {
	echo '20 1 * * * root umask 077; tar czf /var/backups/settings.tgz /opt/vox-backend/.env' >/etc/cron.d/settings
}
landed() { grep -q /opt/vox-backend/.env /etc/cron.d/settings; }
mend() { rm /etc/cron.d/settings; }
