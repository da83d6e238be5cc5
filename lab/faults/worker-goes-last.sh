# Of three workers one runs only when no other wants to, one is nicest of all, and one has its turn at the disks last.
# host: fleet-1
# violated: process-gets-what-its-unit-says[fleet-1-*]
# follow: mends
main() { systemctl show -P MainPID "voxcore@$1"; }
inject() {
	chrt -a -i -p 0 "$(main 1)"
	renice -n 19 -p "$(main 2)"
	ionice -c 3 -p "$(main 3)"
}
landed() { [ "$(ionice -p "$(main 3)")" = idle ]; }
mend() { fleet_well; }
