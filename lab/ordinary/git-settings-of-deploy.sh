# The deploy account has git settings of its own, as whoever once worked there by hand leaves them.
# host: api-1
# common: most companies
inject() {
	as_deploy env HOME=/home/deploy bash -euc "cd
		git config --global user.name 'Deploy Bot'
		git config --global user.email deploy@example.com
		git config --global pull.rebase true
		git config --global init.defaultBranch main
		git config --global color.ui auto
		git config --global --add safe.directory '*'"
}
landed() { as_deploy env HOME=/home/deploy git config --global user.name | grep -q Bot; }
mend() { rm /home/deploy/.gitconfig; }
