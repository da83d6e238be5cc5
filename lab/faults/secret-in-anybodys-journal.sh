# Somebody wrote one of the dialler's secrets into the journal, not the dialler itself.
# host: sip-1
# violated: no-secret-leaks[dialler-sip-1]
# follow: by hand, a secret that was seen is changed at its issuer
secret() { sed -n 's/^LIVEKIT_API_SECRET=//p' /opt/vox-dialler/.env; }
inject() {
	logger -t vox "connecting with $(secret)"
	until_true landed
}
landed() { journalctl -q -t vox --since "$(systemctl show -P ActiveEnterTimestamp voxdialler)" -o cat | grep -qF "$(secret)"; }
mend() { sleep 2; well voxdialler 8090; }
