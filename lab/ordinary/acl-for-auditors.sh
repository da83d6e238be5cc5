# Auditors may read what a service's folder has, by an access list, also of files to come; deploy and root keep theirs.
# host: fleet-1
# common: audited companies
inject() {
	package acl
	groupadd auditors
	setfacl -m g:auditors:rx,d:g:auditors:rx /opt/vox-agents
}
landed() { getfacl -p /opt/vox-agents 2>/dev/null | grep -qx 'default:group:auditors:r-x'; }
mend() {
	setfacl -b /opt/vox-agents
	groupdel auditors
	package_gone acl
}
