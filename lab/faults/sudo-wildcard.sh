# A comfortable rule: every worker may be restarted, and with it anything else.
# host: fleet-1
# violated: sudo-is-minimal[fleet-1]
# follow: mends
# edit: sed -i 's/^deploy.*@\*/# &/' "$file"
inject() { echo 'deploy ALL=(root) NOPASSWD: /usr/bin/systemctl restart voxcore@*' >/etc/sudoers.d/zz-workers; }
landed() { as_deploy sudo -n -l /usr/bin/systemctl restart voxcore@1 ssh.service; }
left() { rm -f /etc/sudoers.d/zz-workers; }
mend() { rm /etc/sudoers.d/zz-workers; }
