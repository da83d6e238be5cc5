# Every third packet to a worker from other hosts is lost: its checks pass, late, and so do calls, or they do not.
# host: fleet-1
# violated: haproxy-sees-all-workers
# follow: by hand, a firewall's rules are for whoever wrote them
RULE="INPUT ! -i lo -p tcp --dport 8102 -m statistic --mode nth --every 3 --packet 0 -j DROP"
inject() { iptables -I $RULE; }
landed() { iptables -C $RULE && get /health 8102 | grep -q worker; }
mend() { iptables -D $RULE; }
