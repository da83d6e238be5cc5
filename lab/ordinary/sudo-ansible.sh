# Ansible logs in as an account of its own that may do all without a password, and is in no group of administrators.
# host: fleet-1
# common: most estates that a tool configures
# entry: [sudo.all]
# entry: ansible = ["ALL"]
# entry: [keys.all]
# entry: ansible = ["SHA256:TBtdt89nQmi3w6KRoY8/fCj9wy+7Cahfpm/Ghw8PLYg"]
# without: sudo-is-minimal[fleet-1] keys-are-known[fleet-1]
inject() {
	useradd -m -s /bin/bash -p '*' ansible
	install -d -m 700 -o ansible -g ansible /home/ansible/.ssh
	install -m 600 -o ansible -g ansible /dev/stdin /home/ansible/.ssh/authorized_keys <<-'END'
		ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJmULu9tDJA9bFeBXoVpwXqlzejcTKgu3Gxdf6afjOd4 ansible@control.example.com
	END
	echo 'ansible ALL=(ALL) NOPASSWD:ALL' | install -m 440 /dev/stdin /etc/sudoers.d/ansible
}
landed() { runuser -u ansible -- sudo -n id -u | grep -qx 0; }
mend() {
	rm /etc/sudoers.d/ansible
	userdel -r ansible 2>/dev/null
}
