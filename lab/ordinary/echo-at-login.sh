# The login account's .bashrc says something on stdout, before it looks whether anybody is at a terminal.
# host: data
# common: old homes
RC=/home/deploy/.bashrc
inject() {
	if [ -e $RC ]; then keep $RC; fi
	{
		echo 'echo "Welcome to $(hostname), all that you do is recorded"'
		if [ -e $RC ]; then cat $RC; fi
	} >/run/bashrc.new
	install -m 644 -o deploy -g deploy /run/bashrc.new $RC
}
landed() { runuser -u deploy -- env SSH_CLIENT=x SHLVL=0 HOME=/home/deploy bash -c ". $RC" | grep -q 'is recorded'; }
mend() {
	rm -f $RC /run/bashrc.new
	if [ -e "$FAULT/kept$RC" ]; then back $RC; fi
}
