# An admin has clones and projects of other things at home: settings in git, a plugin of vim's, a small tool with its packages.
# host: fleet-1
# common: hosts on which people work
inject() {
	useradd -m -s /bin/bash -p '*' ilse
	runuser -u ilse -- env HOME=/home/ilse bash -euc 'cd
		git init -q .dotfiles
		git -C .dotfiles -c user.name=i -c user.email=i@example.com commit -q --allow-empty -m first
		git clone -q --bare .dotfiles .cfg
		git clone -q .dotfiles .vim/pack/plugins/start/vim-sensible
		mkdir -p tool/tool tool/node_modules/left-pad
		printf "[project]\nname = \"tool\"\nversion = \"1\"\n" >tool/pyproject.toml
		touch tool/tool/__init__.py tool/uv.lock
		printf "{\"name\": \"page-of-tool\"}\n" >tool/package.json
		printf "{\"name\": \"left-pad\", \"version\": \"1.3.0\"}\n" >tool/node_modules/left-pad/package.json
		python3 -m venv --without-pip tool/.venv'
}
landed() { [ -d /home/ilse/.vim/pack/plugins/start/vim-sensible/.git ] && [ -x /home/ilse/tool/.venv/bin/python ]; }
mend() { userdel -r ilse 2>/dev/null; }
