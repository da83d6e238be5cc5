# sudo does not let the gate restart the dialler any more.
# host: sip-1
# deploy: dialler
# violated: service-was-restarted[dialler-sip-1]
# blind: service-became-healthy[dialler-sip-1]
SUDO=/etc/sudoers.d/voxgate
inject() {
	keep $SUDO
	sed -i '/systemctl .* voxdialler/d' $SUDO
}
landed() { ! as_deploy sudo -n -l /usr/bin/systemctl restart voxdialler.service; }
mend() {
	back $SUDO
	well voxdialler 8090
}
