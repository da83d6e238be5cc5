# apparmor, and aide with its daily check, from Debian's packages.
# host: data
# common: hardened hosts
inject() { package apparmor aide; }
landed() { aide --version && systemctl is-enabled -q apparmor; }
mend() { package_gone apparmor aide; }
