# The interpreter itself was upgraded, by unattended-upgrades, and what runs has the old one still: the same one, as nothing newer is
# here.
# host: fleet-1
# common: most hosts, each few months
PYTHON=/usr/bin/python3.13
inject() {
	local notes
	for notes in /var/lib/dpkg/info/python3.13-minimal.md5sums "$PYTHON"; do
		cp -a "$notes" "$notes.dpkg-new"
		mv "$notes.dpkg-new" "$notes"
	done
}
landed() { readlink "/proc/$(systemctl show -P MainPID voxcore@1)/exe" | grep -qx "$PYTHON (deleted)"; }
mend() { fleet_well; }
