# Rules of sudo with aliases of users, commands and targets, by group and by digest, as grown companies have them.
# host: fleet-1
# common: grown companies
# entry: [sudo]
# entry: "fleet-*" = { frida = ["/usr/bin/journalctl", "/usr/bin/dmesg", "(games, man) sha256:50629fa0ab5c003b538d4ccf7de34e85d2df4e799a79eb2dd4c2f7b1e0d7ca59 /usr/bin/id"], gero = ["ALL"] }
# without: sudo-is-minimal[fleet-1]
inject() {
	useradd -m -s /bin/bash -p '*' frida
	useradd -m -s /bin/bash -p '*' gero
	cat >/etc/sudoers.d/40-aliases <<-END
		User_Alias WATCHERS = frida, gero
		Runas_Alias STAFF = games, man
		Host_Alias FLEET = fleet-1, fleet-2
		Cmnd_Alias LOOKING = /usr/bin/journalctl, /usr/bin/dmesg, !/usr/bin/dmesg -C
		Cmnd_Alias PRINTING = sha256:$(sha256sum /usr/bin/id | cut -d' ' -f1) /usr/bin/id
		WATCHERS FLEET = (root) NOPASSWD: LOOKING, (STAFF) PRINTING
		Defaults!LOOKING noexec
	END
	chmod 440 /etc/sudoers.d/40-aliases
	visudo -cq
}
landed() { runuser -u frida -- sudo -n dmesg --version; }
mend() {
	rm /etc/sudoers.d/40-aliases
	userdel -r frida 2>/dev/null
	userdel -r gero 2>/dev/null
}
