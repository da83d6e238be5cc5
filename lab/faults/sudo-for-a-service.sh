# The account that the services run as may do everything as root.
# host: sip-1
# violated: sudo-is-minimal[sip-1]
# follow: mends
# edit: sed -i 's/^vox.*NOPASSWD: ALL/# &/' "$file"
inject() { install -m 440 /dev/stdin /etc/sudoers.d/x <<<'vox ALL=(ALL) NOPASSWD: ALL'; }
landed() { runuser -u vox -- sudo -n true; }
left() { rm -f /etc/sudoers.d/x; }
mend() { rm /etc/sudoers.d/x; }
