# A service's folder on a volume of its own, which has its name.
# host: sip-1
# common: companies that give each application a disk
# alone: what another thing restarts there meanwhile would hold the mount when it is taken away
TOP=/opt/vox-dialler
inject() { mount --bind $TOP $TOP; }
landed() { mountpoint -q $TOP && [ -d $TOP/.venv ]; }
mend() { umount --lazy $TOP; }
