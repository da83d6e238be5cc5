# The gate comes to a host by port 2222 and through a bastion (ProxyJump): an ssh configuration says so, and by which name its key
# is known.
# host: machine
# common: companies whose hosts the internet reaches
# entry: [estate]
# entry: ssh_config = "{cache}/lab/ordinary/ssh_config"
# entry: [hosts.api-1]
# entry: port = 2222
# entry: [listeners]
# entry: api-1 = { "ssh.service" = [2222] }
# without: only-expected-listeners[api-1]
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
	mkdir -p "$folder/ordinary"
	printf 'Host\t198.51.100.*\n  ServerAliveInterval=15\n' >"$folder/ordinary/ssh_config_more"
	cat >"$folder/ordinary/ssh_config" <<-END
		# as people write it: a tab, an equals sign, capitals, quotes, an Include in a block, Match, a master connection
		HOST *.example.com !build.example.com
		    ProxyCommand=/bin/false %h
		Host 198.51.100.21
		    ProxyJump bastion
		    HostKeyAlias "198.51.100.21"
		Host bastion
		    HostName 198.51.100.31
		    User deploy
		    IdentityFile "$folder/id_ed25519"
		    UserKnownHostsFile $folder/known_hosts
		Match host "198.51.100.*" exec "true"
		    Include	$folder/ordinary/ssh_config_more
		Match final all
		    Compression yes
		Host *
		    ControlMaster auto
		    ControlPath ~/.ssh/cm-%C
		    ControlPersist 10m
		    ForwardAgent yes
		    SendEnv LANG LC_*
		    CanonicalizeHostname no
	END
	on api-1 there
}
landed() { on api-1 'listens 127.0.0.1 2222'; }
mend() { on api-1 away; }
