# Lines in the fleet's .env say that parts of its folder's name are secrets, and its code runs outside of its units.
# host: fleet-1
# violated: units-are-all-there-are[fleet-fleet-1] env-file-holds-what-is-known[fleet-fleet-1]
# follow: mends
# edit: sed -i '/^A_SECRET=/d; /^B_TOKEN=/d; /^C_KEY=/d' "$file"
ENV=/opt/vox-agents/.env
inject() {
	keep $ENV
	printf 'A_SECRET=agents/\nB_TOKEN=/opt/vox\nC_KEY=vox-agents/vox_agents\n' >>$ENV
	fleet_well
	detached stray bash -c 'cd / && exec runuser -u vox -- /usr/bin/python3 -c "import time; time.sleep(1000)" /opt/vox-agents/vox_agents'
}
landed() { lives stray && pgrep -u vox -f '^/usr/bin/python3 -c import time'; }
mend() {
	ended stray
	back $ENV
	fleet_well
}
