# The registry still counts a worker that is long dead: calls are routed to nobody.
# host: data
# violated: capacity-adds-up[*]
# follow: mends
# fill: KEY=vox:workers:fleet-9/1
inject() { redis-cli set vox:workers:fleet-9/1 '{"calls": 0, "commit": "x", "id": "fleet-9/1", "max": 1}'; }
landed() { [ "$(redis-cli exists vox:workers:fleet-9/1)" = 1 ]; }
mend() { redis-cli del vox:workers:fleet-9/1; }
