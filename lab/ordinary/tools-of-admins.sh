# What admins type, from Debian's packages.
# host: fleet-1
# common: most hosts
inject() { package htop mosh tmux vim-tiny less curl jq strace tcpdump bash-completion; }
landed() { htop --version && tmux -V && curl --version && jq --version; }
mend() { package_gone htop mosh tmux vim-tiny less curl jq strace tcpdump bash-completion; }
