# Prometheus' node exporter on the host with the stores, which is Debian 12.
# host: data
# common: most hosts that Prometheus asks
# entry: [listeners.data]
# entry: "prometheus-node-exporter.service" = [9100]
# without: only-expected-listeners[data]
inject() { package prometheus-node-exporter; }
landed() { listens 127.0.0.1 9100; }
mend() { package_gone prometheus-node-exporter; }
