# Whoever has the deploy account is root.
# host: fleet-1
# violated: sudo-is-minimal[fleet-1]
# cause: deploy may run `ALL` as ALL
# follow: by hand, nobody has followed it on a lab yet
inject() { echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-all; }
landed() { as_deploy sudo -n id -u | grep -qx 0; }
mend() { rm /etc/sudoers.d/zz-all; }
