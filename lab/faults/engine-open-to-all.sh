# The engine's socket was opened to everybody, for a check that had to see its containers: who talks to it starts one as root.
# host: sip-1
# violated: sudo-is-minimal[sip-1]
# cause: everybody may use /run/docker.sock, which is root
# follow: mends
inject() { chmod 0666 /run/docker.sock; }
landed() { runuser -u nobody -- test -w /run/docker.sock; }
mend() { chmod 0660 /run/docker.sock; }
