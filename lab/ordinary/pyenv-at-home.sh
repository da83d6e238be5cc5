# An admin has pyenv at home, with an interpreter and shims.
# host: fleet-1
# common: hosts on which people try things
inject() {
	useradd -m -s /bin/bash -p '*' devops
	local top=/home/devops/.pyenv
	install -d $top/versions/3.12.4/bin $top/shims
	cp /usr/bin/python3.13 $top/versions/3.12.4/bin/python3.12
	ln -s python3.12 $top/versions/3.12.4/bin/python3
	printf '#!/usr/bin/env bash\nexec "%s/versions/3.12.4/bin/python3" "$@"\n' $top >$top/shims/python3
	chmod 755 $top/shims/python3
	echo 3.12.4 >$top/version
	printf 'export PYENV_ROOT="$HOME/.pyenv"\nexport PATH="$PYENV_ROOT/shims:$PATH"\n' >>/home/devops/.bashrc
	chown -R devops:devops /home/devops
}
landed() { runuser -u devops -- /home/devops/.pyenv/shims/python3 -c 'print()'; }
mend() { userdel -r devops 2>/dev/null; }
