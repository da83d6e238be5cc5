# Agents that listen nowhere: collectd sends what it counts, monit looks at processes.
# host: fleet-1
# common: many hosts
inject() {
	package collectd-core monit
	cat >/etc/collectd/collectd.conf <<-'END'
		LoadPlugin cpu
		LoadPlugin memory
		LoadPlugin write_graphite
		<Plugin write_graphite>
			<Node "company">
				Host "metrics.example.com"
				Port "2003"
				Protocol "tcp"
			</Node>
		</Plugin>
	END
	printf 'check process sshd with pidfile /run/sshd.pid\ncheck filesystem rootfs with path /\n  if space usage > 90%% then alert\n' >/etc/monit/conf.d/company
	systemctl restart collectd monit
}
landed() { systemctl is-active -q collectd monit; }
mend() { package_gone collectd-core monit; }
