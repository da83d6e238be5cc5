# The operators are in a group of their own that may do all with a password; the database's people may be another account.
# host: sip-1
# common: companies with a directory
# entry: [sudo.sip-1]
# entry: "%ops" = ["ALL"]
# entry: "jane.roe" = ["(backup) ALL", "(games, man) /usr/bin/id"]
# without: sudo-is-minimal[sip-1]
inject() {
	groupadd ops
	useradd -m -s /bin/bash -p '*' -G ops hans
	useradd -m -s /bin/bash -p '*' -G ops --badname john.doe
	useradd -m -s /bin/bash -p '*' --badname jane.roe
	install -m 440 /dev/stdin /etc/sudoers.d/ops <<-'END'
		%ops ALL=(ALL:ALL) ALL
		jane.roe ALL=(backup) NOPASSWD: ALL
		jane.roe ALL=(games, man) /usr/bin/id
	END
}
landed() { sudo -l -U john.doe | grep -q '(ALL : ALL) ALL' && runuser -u jane.roe -- sudo -n -u backup id -un | grep -qx backup; }
mend() {
	rm /etc/sudoers.d/ops
	userdel -r hans 2>/dev/null
	userdel -r john.doe 2>/dev/null
	userdel -r jane.roe 2>/dev/null
	groupdel ops
}
