# Root's own crontab deletes old files below /tmp every night.
# host: api-1
# common: many hosts
inject() { echo '30 3 * * * find /tmp -xdev -type f -mtime +14 -delete' | crontab -; }
landed() { crontab -l | grep -q -- '-mtime +14 -delete'; }
mend() { crontab -r; }
