# A second dialler under a harmless name, not running: it is enabled for the next boot of a fleet host.
# host: machine
# violated: dialler-is-on-the-sip-host[fleet-2]
inject() {
	copy_dialler fleet-2 /var/tmp/x vox-agents
	lab exec fleet-2 bash -c 'printf "[Service]\nExecStart=/var/tmp/x/.venv/bin/python /var/tmp/x/run.py 9999\n[Install]\n\
WantedBy=multi-user.target\n" >/etc/systemd/system/nightly-report.service; systemctl enable -q nightly-report'
}
landed() { lab exec fleet-2 systemctl is-enabled -q nightly-report; }
mend() {
	lab exec fleet-2 systemctl disable -q nightly-report
	lab exec fleet-2 rm -r /var/tmp/x /etc/systemd/system/nightly-report.service
	lab exec fleet-2 systemctl daemon-reload
}
