# What a virtual machine has: the agent of its host, irqbalance, earlyoom.
# host: fleet-2
# common: hosts in clouds
inject() { package qemu-guest-agent irqbalance earlyoom; }
landed() { systemctl is-active -q earlyoom && is_installed qemu-guest-agent; }
mend() { package_gone qemu-guest-agent irqbalance earlyoom; }
