# Somebody worked as deploy: history, editor settings, aliases, a cache, a scratch folder.
# host: fleet-1
# common: most companies
inject() {
	as_deploy env HOME=/home/deploy bash -euc 'cd
		printf "cd /opt/vox-agents\ngit log -3\nsudo systemctl restart voxcore@1\njournalctl -u voxcore@1 -f\n" >.bash_history
		printf "set number\nsyntax on\n" >.vimrc
		printf "alias ll=\"ls -la\"\nalias vc=\"cd /opt/vox-agents\"\n" >.bash_aliases
		echo SELECTED_EDITOR=/bin/nano >.selected_editor
		mkdir -p .cache/pip .config/htop .local/share/nano scratch
		echo "fields=0 48 17" >.config/htop/htoprc
		printf "#!/bin/sh\nfor n in 1 2 3; do curl -s localhost:810\$n/health; done\n" >scratch/check.sh
		chmod 755 scratch/check.sh
		printf "Host *\n    ServerAliveInterval 30\n    AddKeysToAgent no\n" >.ssh/config
		chmod 600 .ssh/config'
}
landed() { as_deploy test -x /home/deploy/scratch/check.sh && runuser -u deploy -- ssh -G somewhere | grep -qx 'serveraliveinterval 30'; }
mend() { rm -r /home/deploy/.bash_history /home/deploy/.vimrc /home/deploy/.bash_aliases /home/deploy/.selected_editor /home/deploy/.cache /home/deploy/.config /home/deploy/.local /home/deploy/scratch /home/deploy/.ssh/config; }
