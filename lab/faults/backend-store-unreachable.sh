# The API host does not come through to the object store; everybody else does.
# host: api-1
# violated: backend-reaches-its-stores[backend-api-1] backend-health-is-clean[api-1-voxbridge]
# follow: by hand, a firewall's rules are for whoever wrote them
RULE='OUTPUT -d 198.51.100.11 -p tcp --dport 9000 -j REJECT'
inject() { iptables -A $RULE; }
landed() { ! listens 198.51.100.11 9000; }
mend() { iptables -D $RULE; }
