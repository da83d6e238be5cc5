# A cron job pulls main every night.
# host: fleet-1
# violated: one-copy-only[fleet-1]
# follow: by hand, nobody has followed it on a lab yet
inject() { echo '7 3 * * * deploy cd /opt/vox-agents && git pull -q' >/etc/cron.d/nightly; }
landed() { grep -q 'git pull' /etc/cron.d/nightly; }
mend() { rm /etc/cron.d/nightly; }
