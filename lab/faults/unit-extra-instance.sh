# A fourth worker was started by hand on a host that has three.
# host: fleet-2
# violated: units-are-all-there-are[fleet-fleet-2] capacity-adds-up[*]
#   only-expected-listeners[fleet-2]
# cause: voxcore@4.service is not in the estate
# follow: mends
inject() { systemctl start voxcore@4; }
landed() { get /health 8104; }
mend() { systemctl stop voxcore@4; }
