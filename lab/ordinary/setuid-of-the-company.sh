# A small program of the company's own has a setuid bit: everybody may ask it for the state of the disks, which only root can read.
# host: fleet-2
# common: companies with hardware of their own
# entry: [sudo.fleet-2]
# entry: everybody = ["setuid /usr/local/bin/raid-state"]
# without: sudo-is-minimal[fleet-2]
inject() { install -m 4755 /usr/bin/true /usr/local/bin/raid-state; }
landed() { [ -u /usr/local/bin/raid-state ]; }
mend() { rm /usr/local/bin/raid-state; }
