# A dialler in a container of livekit's own image on the SIP host, on the host's network and files.
# host: machine
# violated: database-sees-one-dialler[vox] only-livekit-in-containers[sip-1]
#   only-expected-listeners[sip-1]
# cause: calls itself as the dialler does, but is not voxdialler.service on sip-1
# follow: mends
inject() {
	copy_dialler sip-1 /var/tmp/x vox-dialler
	lab exec sip-1 docker run -d --name livekit-livekit-2 --network host -v /:/host livekit/livekit-server:v1.9 \
		/bin/busybox chroot /host /var/tmp/x/.venv/bin/python /var/tmp/x/run.py 9999
}
landed() { ticks sip-1 9999; }
mend() {
	lab exec sip-1 docker rm -f livekit-livekit-2
	lab exec sip-1 rm -r /var/tmp/x
}
