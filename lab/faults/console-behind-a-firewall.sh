# A firewall drops what comes to the console from any other host.
# host: api-1
# violated: nginx-serves-exactly-dist[console-api-1] backend-health-is-clean[api-1-voxbridge]
# follow: by hand, a firewall's rules are for whoever wrote them
inject() { iptables -I INPUT ! -i lo -p tcp --dport 80 -j DROP; }
landed() { iptables -C INPUT ! -i lo -p tcp --dport 80 -j DROP && get / 80; }
mend() { iptables -D INPUT ! -i lo -p tcp --dport 80 -j DROP; }
