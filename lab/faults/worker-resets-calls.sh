# A packet filter of a worker's host resets every call, and lets the questions for its health through.
# host: fleet-1
# violated: haproxy-sees-all-workers
# follow: by hand, a firewall's rules are for whoever wrote them
inject() { iptables -I INPUT -p tcp --dport 8102 -m string --algo bm --string 'POST /calls' -j REJECT --reject-with tcp-reset; }
called() { printf 'POST /calls HTTP/1.0\r\nContent-Length: 0\r\n\r\n' | busybox nc -w 3 127.0.0.1 8102; }
landed() { get /health 8102 | grep -q worker && ! called | grep -q HTTP; }
mend() { iptables -D INPUT -p tcp --dport 8102 -m string --algo bm --string 'POST /calls' -j REJECT --reject-with tcp-reset; }
