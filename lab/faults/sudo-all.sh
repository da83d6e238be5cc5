# Whoever has the deploy account is root.
# host: fleet-1
# violated: sudo-is-minimal[fleet-1]
# cause: deploy may run `ALL` as ALL
# follow: mends
# edit: sed -i 's/^deploy.*NOPASSWD: ALL/# &/' "$file"
inject() { echo 'deploy ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/zz-all; }
landed() { as_deploy sudo -n id -u | grep -qx 0; }
left() { rm -f /etc/sudoers.d/zz-all; }
mend() { rm /etc/sudoers.d/zz-all; }
