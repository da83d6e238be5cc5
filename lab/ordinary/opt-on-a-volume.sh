# /opt on a volume of its own: a mount over the folder of the system's.
# host: fleet-1
# common: most companies that keep applications apart from the system
inject() { mount --bind /opt /opt; }
landed() { mountpoint -q /opt && [ -d /opt/vox-agents/.venv ]; }
mend() {
	umount --lazy /opt
	fleet_well # what was started meanwhile holds the mount
}
