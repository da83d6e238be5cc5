# A service's folder on a volume of its own, which has its name.
# host: sip-1
# common: companies that give each application a disk
TOP=/opt/vox-dialler
inject() { mount --bind $TOP $TOP; }
landed() { mountpoint -q $TOP && [ -d $TOP/.venv ]; }
mend() {
	umount --lazy $TOP
	well voxdialler 8090 # what was started meanwhile holds the mount
}
