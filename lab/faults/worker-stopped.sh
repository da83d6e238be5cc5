# One worker of the fleet is stopped: one call slot less.
# host: machine
# violated: pipecat-is-pinned[fleet-fleet-1] unit-is-active[fleet-1-voxcore@2] process-is-the-new-code[fleet-1-voxcore@2] runs-as-its-user[fleet-1-voxcore@2]
#   all-workers-are-up[fleet-1-voxcore@2] capacity-adds-up[*] fleet-runs-one-release
#   process-is-the-venvs[fleet-1-voxcore@2] haproxy-sees-all-workers
# cause: unit is active [fleet-1-voxcore@2]: fleet-1: voxcore@2.service is inactive/dead
# follow: mends
inject() { lab exec fleet-1 systemctl stop voxcore@2; }
landed() {
	lab exec api-1 python3 -c '
import socket
line = socket.socket(socket.AF_UNIX)
line.connect("/run/haproxy/admin.sock")
line.sendall(b"show stat\n")
rows = b"".join(iter(lambda: line.recv(65536), b"")).decode().splitlines()
assert any(",fleet-1-2," in row and ",DOWN," in row for row in rows)'
}
mend() { lab exec fleet-1 systemctl start voxcore@2; }
