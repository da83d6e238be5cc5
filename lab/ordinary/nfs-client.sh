# The client of NFS, which brings rpcbind; and the disks' own warnings.
# host: sip-1
# common: hosts that write recordings to a NAS
# entry: [listeners.sip-1]
# entry: "rpcbind.service" = [111, "udp:111"]
# without: only-expected-listeners[sip-1]
inject() { package nfs-common smartmontools; }
landed() { listens 127.0.0.1 111; }
mend() { package_gone nfs-common smartmontools rpcbind; }
