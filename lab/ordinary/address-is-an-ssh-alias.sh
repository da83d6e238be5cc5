# A host's address in the estate is a name of the operators' ssh configuration, which knows its address, port and user.
# host: machine
# common: most estates that people reach by ssh
# entry: [estate]
# entry: ssh_config = "{cache}/lab/alias/ssh_config"
# entry: [hosts.fleet-1]
# entry: address = "voice-one"
# entry: [listeners]
# entry: fleet-1 = { "ssh.service" = [2222] }
# without: only-expected-listeners[fleet-1]
there() {
	printf 'Port 22\nPort 2222\n' >/etc/ssh/sshd_config.d/port.conf
	sshd -t
	systemctl reload ssh
	until_true listens 127.0.0.1 2222
}
away() {
	rm /etc/ssh/sshd_config.d/port.conf
	systemctl reload ssh
	until_false listens 127.0.0.1 2222
}
inject() {
	local folder=${XDG_CACHE_HOME:-$HOME/.cache}/voxgate/lab
	mkdir -p "$folder/alias"
	cat >"$folder/alias/ssh_config" <<-END
		Host voice-one
		    HostName 198.51.100.31
		    Port 2222
		    HostKeyAlias 198.51.100.31
	END
	on fleet-1 there
}
landed() { on fleet-1 'listens 127.0.0.1 2222'; }
mend() {
	on fleet-1 away
	rm -r "${XDG_CACHE_HOME:-$HOME/.cache}/voxgate/lab/alias"
}
