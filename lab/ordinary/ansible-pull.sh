# The host pulls its own configuration each half an hour: ansible-pull by cron, from a repository of the operators'.
# host: fleet-1
# common: companies without a control host
inject() {
	install -m 644 /dev/stdin /etc/cron.d/ansible-pull <<-'END'
		PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
		*/30 * * * * root ansible-pull --only-if-changed -U https://git.example.com/ops/hosts.git -d /var/lib/ansible/pull -i localhost, local.yml >>/var/log/ansible-pull.log 2>&1
	END
	install -d /var/lib/ansible/pull /root/.ansible/tmp
}
landed() { [ -f /etc/cron.d/ansible-pull ]; }
mend() { rm -r /etc/cron.d/ansible-pull /var/lib/ansible /root/.ansible; }
