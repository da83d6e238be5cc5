# The journal was rotated and emptied, to make room; services that say little have said nothing since.
# host: fleet-1
# common: hosts with small disks
inject() {
	mkdir -p $FAULT
	journalctl -q --rotate
	journalctl -q --vacuum-time=1s && touch $FAULT/vacuumed
}
landed() { [ -e $FAULT/vacuumed ] && ! ls /var/log/journal/*/system@*.journal /run/log/journal/*/system@*.journal 2>/dev/null; }
mend() { rm -f $FAULT/vacuumed; }
