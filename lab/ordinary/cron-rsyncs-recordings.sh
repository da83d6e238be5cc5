# Recordings are copied to a NAS every night, by rsync from a file in cron.d. A small stand-in takes rsync's place.
# host: sip-1
# common: most hosts with data
# entry: [jobs]
# entry: sip = ["/etc/cron.d/recordings: rsync"]
# without: one-copy-only[sip-1]
inject() {
	printf '#!/bin/sh\nexit 0\n' | install -m 755 /dev/stdin /usr/local/bin/rsync
	cat >/etc/cron.d/recordings <<-'END'
		# Recordings to the NAS, each night.
		MAILTO=ops@example.com
		10 2 * * * root /usr/local/bin/rsync -a --remove-source-files /var/spool/recordings/ nas.example.com::recordings/ >>/var/log/recordings.log 2>&1
	END
}
landed() { grep -q '/usr/local/bin/rsync -a' /etc/cron.d/recordings; }
mend() { rm /etc/cron.d/recordings /usr/local/bin/rsync; }
