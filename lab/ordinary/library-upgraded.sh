# A package was upgraded, by unattended-upgrades, and what runs has its old library still: the same one, as nothing newer is here.
# host: sip-1
# common: most hosts, in most weeks
inject() {
	local library notes
	for notes in /var/lib/dpkg/info/libexpat1:*.md5sums; do
		library=$(readlink -f "$(ls /usr/lib/*/libexpat.so.1)")
		cp -a "$library" "$library.dpkg-new"
		mv "$library.dpkg-new" "$library"
		cp -a "$notes" "$notes.dpkg-new"
		mv "$notes.dpkg-new" "$notes"
	done
}
landed() { grep -q 'libexpat.*(deleted)' "/proc/$(systemctl show -P MainPID voxdialler)/maps"; }
mend() { well voxdialler 8090; }
