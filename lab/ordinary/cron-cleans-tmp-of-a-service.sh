# What a worker leaves in a folder of its own for temporary files is deleted each night.
# host: fleet-1
# common: many hosts
# entry: [jobs]
# entry: fleet-1 = ["/etc/cron.d/clean-*: /opt/vox-agents"]
# without: one-copy-only[fleet-1]
inject() {
	echo '40 4 * * * deploy find /opt/vox-agents/tmp -type f -mtime +2 -delete 2>/dev/null || true' >/etc/cron.d/clean-agents
}
landed() { grep -q /opt/vox-agents/tmp /etc/cron.d/clean-agents; }
mend() { rm /etc/cron.d/clean-agents; }
