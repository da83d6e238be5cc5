# The deploy account has a program of its own called sudo, first on its path: it edits what the probe says.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
# follow: mends
RC=/home/deploy/.bashrc BIN=/home/deploy/bin
inject() {
	keep $RC
	install -d -o deploy -g deploy $BIN
	cat >$BIN/sudo <<-'END'
		#!/bin/sh
		/usr/bin/sudo "$@" | sed 's/"UnitFileState":"disabled"/"UnitFileState":"enabled"/g'
	END
	chmod 755 $BIN/sudo
	echo "PATH=$BIN:\$PATH" >$RC
	systemctl disable -q voxbridge
}
landed() { as_deploy bash -c ". $RC; [ \"\$(command -v sudo)\" = $BIN/sudo ]" && ! systemctl is-enabled -q voxbridge; }
left() {
	back $RC
	rm -rf $BIN
}
mend() {
	back $RC
	rm -rf $BIN
	systemctl enable -q voxbridge
}
