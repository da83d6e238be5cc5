# The deploy account's git has an editor, aliases, a proxy, a deploy key's ssh command and a credential helper, as on any server.
# host: sip-1
# common: most hosts set up by hand
RC=/home/deploy/.gitconfig
inject() {
	as_deploy env HOME=/home/deploy bash -euc 'cd
		git config --global core.editor vim
		git config --global core.pager "less -FRX"
		git config --global alias.st status
		git config --global alias.lg "log --oneline --graph"
		git config --global http.proxy http://proxy.example.com:3128
		git config --global credential.helper "cache --timeout=3600"
		git config --global core.sshCommand "ssh -o ServerAliveInterval=20"
		git config --global pull.ff only
		git config --global merge.conflictstyle diff3
		git config --global include.path .gitconfig-work
		git config --file .gitconfig-work user.email deploy@example.com'
	as_deploy git -C /opt/vox-dialler config core.editor nano
}
landed() { [ "$(as_deploy env HOME=/home/deploy git -C /opt/vox-dialler config --get core.sshCommand)" = 'ssh -o ServerAliveInterval=20' ]; }
mend() {
	as_deploy git -C /opt/vox-dialler config --unset core.editor
	rm $RC $RC-work
}
