# A cron job pulls main every night.
# host: fleet-1
# violated: one-copy-only[fleet-1]
# follow: mends
# edit: sed -i 's/.*git pull/# &/' "$file"
inject() { echo '7 3 * * * deploy cd /opt/vox-agents && git pull -q' >/etc/cron.d/nightly; }
landed() { grep -q '^[^#]*git pull' /etc/cron.d/nightly; }
left() { rm -f /etc/cron.d/nightly; }
mend() { rm /etc/cron.d/nightly; }
