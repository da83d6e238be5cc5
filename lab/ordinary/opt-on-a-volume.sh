# /opt on a volume of its own: a mount over the folder of the system's.
# host: fleet-2
# common: most companies that keep applications apart from the system
# alone: what another thing restarts there meanwhile would hold the mount when it is taken away
inject() { mount --bind /opt /opt; }
landed() { mountpoint -q /opt && [ -d /opt/vox-agents/.venv ]; }
mend() { umount --lazy /opt; }
