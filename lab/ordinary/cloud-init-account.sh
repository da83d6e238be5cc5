# The account that cloud-init makes on its first boot, with its sudo rule; nobody logs in as it.
# host: fleet-1
# common: hosts in clouds
inject() {
	useradd -m -s /bin/bash -p '!' -G adm,sudo ubuntu
	printf '# Created by cloud-init v. 24.4 on Tue, 03 Jun 2026 09:12:44 +0000\n\n# User rules for ubuntu\nubuntu ALL=(ALL) NOPASSWD:ALL\n' \
		>/etc/sudoers.d/90-cloud-init-users
	chmod 440 /etc/sudoers.d/90-cloud-init-users
	mkdir -p /var/lib/cloud/instance/scripts /etc/cloud
	echo 'datasource_list: [ Ec2, None ]' >/etc/cloud/ds-identify.cfg
}
landed() { runuser -u ubuntu -- sudo -n id -u | grep -qx 0; }
mend() {
	rm -rf /etc/sudoers.d/90-cloud-init-users /var/lib/cloud /etc/cloud
	userdel -r ubuntu 2>/dev/null
}
