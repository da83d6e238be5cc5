# A second dialler, whole and as a unit, on a fleet host: both place calls.
# host: machine
# violated: exactly-one-dialler-per-database[vox] database-sees-one-dialler[vox] dialler-is-on-the-sip-host[fleet-1]
#   one-copy-only[fleet-1] only-expected-listeners[fleet-1] boot-starts-only-what-is-known[fleet-1]
# cause: is a dialler outside of the one unit
# follow: mends
inject() {
	lab exec sip-1 tar -C / -c opt/vox-dialler etc/systemd/system/voxdialler.service | lab exec fleet-1 tar -C / -x
	lab exec fleet-1 systemctl daemon-reload
	lab exec fleet-1 systemctl enable -q --now voxdialler
}
landed() { lab exec fleet-1 busybox wget -q -T 3 -O - http://127.0.0.1:8090/health; }
left() {
	lab exec fleet-1 rm -rf /opt/vox-dialler /etc/systemd/system/voxdialler.service
	lab exec fleet-1 systemctl daemon-reload
}
mend() {
	lab exec fleet-1 systemctl disable -q --now voxdialler
	lab exec fleet-1 rm -r /opt/vox-dialler /etc/systemd/system/voxdialler.service
	lab exec fleet-1 systemctl daemon-reload
}
