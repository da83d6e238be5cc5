# Exporters for nginx and HAProxy, from Debian's packages.
# host: api-1
# common: hosts that Prometheus asks
# entry: [listeners.api-1]
# entry: "prometheus-haproxy-exporter.service" = [9101]
# entry: "prometheus-nginx-exporter.service" = [9113]
# without: only-expected-listeners[api-1]
inject() { package prometheus-haproxy-exporter prometheus-nginx-exporter; }
landed() { get /metrics 9101 | grep -q haproxy; }
mend() { package_gone prometheus-haproxy-exporter prometheus-nginx-exporter; }
