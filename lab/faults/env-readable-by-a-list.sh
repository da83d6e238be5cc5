# An access list lets one more account read the dialler's secrets: no letter of its mode says so but a mask.
# host: sip-1
# violated: env-file-is-complete[dialler-sip-1]
# cause: can be read by nobody too
# follow: mends
ENV=/opt/vox-dialler/.env
ACL=system.posix_acl_access
# of user nobody, read; as setfacl -m u:nobody:r would make it
inject() {
	python3 -c "import os, struct
rows = [(1, 6, -1), (2, 4, 65534), (4, 0, -1), (16, 4, -1), (32, 0, -1)]
os.setxattr('$ENV', '$ACL', struct.pack('<I', 2) + b''.join(struct.pack('<HHi', *row) for row in rows))"
	well voxdialler 8090
}
landed() { runuser -u nobody -- cat $ENV; }
mend() {
	python3 -c "import os; os.removexattr('$ENV', '$ACL')" 2>/dev/null || true
	chmod 0600 $ENV
	well voxdialler 8090
}
