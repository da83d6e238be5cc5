# The backend is enabled for this boot only.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
# follow: mends
inject() {
	systemctl disable -q voxbridge
	systemctl enable -q --runtime voxbridge
}
landed() { [ ! -e /etc/systemd/system/multi-user.target.wants/voxbridge.service ]; }
left() { systemctl disable -q --runtime voxbridge; }
mend() {
	systemctl disable -q --runtime voxbridge
	systemctl enable -q voxbridge
}
