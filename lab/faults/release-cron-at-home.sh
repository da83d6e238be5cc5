# deploy's own crontab runs a script of its home, by `~`, relative, and by a shell; the script says not what it is.
# host: fleet-1
# violated: one-copy-only[fleet-1]
# follow: mends
# edit: left=$(grep -v tidy "$file" || true); echo "$left" >"$file"; touch -d "1 minute" "$file"
TABLE=/var/spool/cron/crontabs/deploy
inject() {
	printf 'cd /opt/vox-agents && git pull -q\n' >/home/deploy/tidy
	chown deploy:deploy /home/deploy/tidy
	mkdir -p /var/spool/cron/crontabs
	printf '0 3 * * * sh ~/tidy\n' >$TABLE
	chown deploy: $TABLE && chmod 600 $TABLE
}
landed() { grep -q tidy $TABLE && [ -s /home/deploy/tidy ]; }
left() { rm -f $TABLE /home/deploy/tidy; }
mend() { rm $TABLE /home/deploy/tidy; }
