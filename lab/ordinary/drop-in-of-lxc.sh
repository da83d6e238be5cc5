# In a container of LXC or Incus a generator makes a drop-in for every service at each boot, below /run.
# host: fleet-1
# common: hosts that are containers of LXC, Incus or Proxmox
# entry: [units]
# entry: fleet-1 = { "/run/systemd/system/service.d/zzz-lxc-service.conf" = "f91ee0e809378cc216de62425a8226d1f809514d0058735008b111279a4fb68f" }
# without: unit-file-is-the-expected[fleet-1-*]
DROP=/run/systemd/system/service.d
inject() {
	mkdir -p $DROP
	printf '# This file was created by distrobuilder\n[Service]\nProcSubset=all\nProtectProc=default\nProtectControlGroups=no\nProtectKernelTunables=no\nNoNewPrivileges=no\nLoadCredential=\n' >$DROP/zzz-lxc-service.conf
	systemctl daemon-reload
	fleet_well
}
landed() { systemctl show -P DropInPaths voxcore@1 | grep -q zzz-lxc; }
mend() {
	rm -r $DROP
	systemctl daemon-reload
	fleet_well
}
