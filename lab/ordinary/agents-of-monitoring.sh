# Agents of monitoring, from Debian's packages: snmpd, NRPE with its plugins, Zabbix agent 2.
# host: sip-1
# common: most companies have one of them
# entry: [listeners.sip-1]
# entry: "snmpd.service" = ["udp:161"]
# entry: "nagios-nrpe-server.service" = [5666]
# entry: "zabbix-agent2.service" = [10050]
# without: only-expected-listeners[sip-1]
inject() {
	package snmpd nagios-nrpe-server monitoring-plugins-basic zabbix-agent2
	sed -i 's/^agentaddress.*/agentaddress udp:161,udp6:[::]:161/' /etc/snmp/snmpd.conf
	systemctl restart snmpd
}
landed() { listens 127.0.0.1 5666 && listens 127.0.0.1 10050 && ss -Hlnu sport = :161 | grep -q .; }
mend() { package_gone snmpd nagios-nrpe-server monitoring-plugins-basic zabbix-agent2; }
