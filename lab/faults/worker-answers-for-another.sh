# A worker's port is answered by the worker beside it.
# host: fleet-1
# violated: all-workers-are-up[fleet-1-voxcore@2] each-worker-has-its-own-id process-is-the-new-code[fleet-1-voxcore@2]
#   capacity-adds-up[*] answers-come-from-the-unit[fleet-1-voxcore@2]
# cause: is answered by process
# follow: by hand, what leads its port elsewhere in the kernel is for whoever put it there
inject() { iptables -t nat -A OUTPUT -d 127.0.0.1 -p tcp --dport 8102 -j REDIRECT --to-ports 8101; }
landed() { get /health 8102 | grep -q '"worker":"fleet-1/1"'; }
mend() { iptables -t nat -D OUTPUT -d 127.0.0.1 -p tcp --dport 8102 -j REDIRECT --to-ports 8101; }
