# What people type is logged: a prompt command in the system's bashrc, a time limit for idle shells, a longer history with times.
# host: api-1
# common: audited companies
inject() {
	keep /etc/bash.bashrc
	cat >>/etc/bash.bashrc <<-'END'
		export HISTTIMEFORMAT='%F %T ' HISTSIZE=10000
		readonly PROMPT_COMMAND='logger -p local6.debug "$(whoami) [$$]: $(history 1 | sed "s/^[ ]*[0-9]\+[ ]*//")"'
	END
	printf 'readonly TMOUT=900\nexport TMOUT\n' >/etc/profile.d/tmout.sh
}
landed() { bash -lc 'echo $TMOUT' | grep -qx 900 && grep -q local6.debug /etc/bash.bashrc; }
mend() {
	rm /etc/profile.d/tmout.sh
	back /etc/bash.bashrc
}
