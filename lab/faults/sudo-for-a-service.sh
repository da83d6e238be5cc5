# The account that the services run as may do everything as root.
# host: sip-1
# violated: sudo-is-minimal[sip-1]
# follow: by hand, nobody has followed it on a lab yet
inject() { install -m 440 /dev/stdin /etc/sudoers.d/x <<<'vox ALL=(ALL) NOPASSWD: ALL'; }
landed() { runuser -u vox -- sudo -n true; }
mend() { rm /etc/sudoers.d/x; }
