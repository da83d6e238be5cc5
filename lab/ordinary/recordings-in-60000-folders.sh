# Recordings, each call in a folder of its own: 60,000 folders below /srv.
# host: fleet-2
# common: hosts that keep recordings, mails or objects
RECORDINGS=/srv/recordings
inject() {
	mkdir -p $RECORDINGS
	chmod 755 $RECORDINGS
	python3 -I - <<-'END'
		import os
		for month in range(60):
		    for call in range(1000):
		        os.makedirs(f"/srv/recordings/2026-{month:02}/{call:04}")
	END
}
landed() { [ "$(find $RECORDINGS -mindepth 2 -type d | wc -l)" = 60000 ]; }
mend() { rm -rf $RECORDINGS; }
