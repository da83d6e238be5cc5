# Prometheus' node exporter, from Debian's package.
# host: fleet-2
# common: most hosts that Prometheus asks
# entry: [listeners.fleet-2]
# entry: "prometheus-node-exporter.service" = [9100]
# without: only-expected-listeners[fleet-2]
inject() { package prometheus-node-exporter; }
landed() { get /metrics 9100 | grep -q node_load1; }
mend() { package_gone prometheus-node-exporter; }
