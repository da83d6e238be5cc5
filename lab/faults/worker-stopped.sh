# One worker of the fleet is stopped: one call slot less.
# host: fleet-1
# violated: unit-is-active[fleet-1-voxcore@2] process-is-the-new-code[fleet-1-voxcore@2] runs-as-its-user[fleet-1-voxcore@2]
#   all-workers-are-up[fleet-1-voxcore@2] capacity-adds-up[*] fleet-runs-one-release
inject() { systemctl stop voxcore@2; }
landed() { ! get /health 8102; }
mend() { well voxcore@2 8102; }
