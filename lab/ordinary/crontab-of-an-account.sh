# The deploy account and an admin have crontabs of their own: old files, a certificate's end, a reminder.
# host: fleet-2
# common: most hosts
inject() {
	useradd -m -s /bin/bash -p '*' emil
	crontab -u deploy - <<-'END'
		MAILTO=ops@example.com
		15 3 * * 0 find $HOME/tmp -mindepth 1 -mtime +30 -delete
		@daily openssl x509 -checkend 1209600 -noout -in /etc/ssl/certs/ca-certificates.crt || echo "ends soon"
	END
	crontab -u emil - <<<'0 9 * * 1-5 df -h | mail -s "disks of $(hostname)" emil@example.com'
}
landed() { crontab -l -u deploy | grep -q checkend; }
mend() {
	crontab -r -u deploy
	crontab -r -u emil
	userdel -r emil 2>/dev/null
}
