# Another build of a library lies where the loader looks first, for processors of this kind; no variable names it, and no package has it.
# host: sip-1
# violated: process-is-the-venvs[sip-1-voxdialler]
# cause: glibc-hwcaps/x86-64-v2/libexpat.so.1 is run, and no package of this host has it
# follow: mends
FOLDER=/usr/lib/x86_64-linux-gnu/glibc-hwcaps
inject() {
	mkdir -p $FOLDER/x86-64-v2
	cp -L /usr/lib/x86_64-linux-gnu/libexpat.so.1 $FOLDER/x86-64-v2/libexpat.so.1
	ldconfig
	well voxdialler 8090
}
landed() { grep -q "$FOLDER/x86-64-v2/libexpat" "/proc/$(systemctl show -P MainPID voxdialler)/maps"; }
left() {
	rm -r $FOLDER /root/libexpat.so.1
	ldconfig
}
mend() {
	rm -r $FOLDER
	ldconfig
	well voxdialler 8090
}
