# An agent has a library of its own loaded into every program (/etc/ld.so.preload), as Dynatrace's OneAgent does. A library that is
# here anyway takes its place.
# host: api-1
# common: hosts with an agent that watches applications
# entry: [preload]
# entry: all = ["/opt/dynatrace/oneagent/agent/lib64/liboneagentproc.so"]
# without: process-is-the-venvs[api-1-*]
AGENT=/opt/dynatrace/oneagent/agent/lib64
inject() {
	mkdir -p $AGENT
	cp /usr/lib/*/libexpat.so.1 $AGENT/liboneagentproc.so
	echo $AGENT/liboneagentproc.so >/etc/ld.so.preload
	well voxbridge 8080
}
landed() { grep -q liboneagentproc "/proc/$(systemctl show -P MainPID voxbridge)/maps"; }
mend() {
	rm -r /etc/ld.so.preload /opt/dynatrace
	well voxbridge 8080
}
