# Hosts without a way to the internet have a proxy, which systemd names to every service.
# host: fleet-2
# common: hosts of companies with a proxy
# entry: [environment]
# entry: all = ["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"]
# without: process-is-the-venvs[fleet-2-*]
CONF=/etc/systemd/system.conf.d
inject() {
	mkdir -p $CONF
	printf '[Manager]\nDefaultEnvironment="HTTPS_PROXY=http://proxy.example.com:3128" "HTTP_PROXY=http://proxy.example.com:3128" "NO_PROXY=*"\n' >$CONF/proxy.conf
	systemctl daemon-reexec
	fleet_well
}
landed() { tr '\0' '\n' <"/proc/$(systemctl show -P MainPID voxcore@1)/environ" | grep -q ^HTTPS_PROXY=; }
mend() {
	rm -r $CONF
	systemctl daemon-reexec
	fleet_well
}
