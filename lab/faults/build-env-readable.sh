# What opens the registry for builds was put there as files usually are: whoever runs code on the host reads it.
# host: fleet-2
# violated: secret-files-are-roots-alone[fleet-2]
# cause: can be read by everybody
# follow: mends
ENV=/etc/voxgate/build.env
inject() {
	mkdir -p "${ENV%/*}"
	echo 'UV_INDEX_LAB_PASSWORD=c4f0d1aa2b7e' >$ENV
	chmod 0644 $ENV
}
landed() { runuser -u nobody -- cat $ENV; }
mend() { rm -f $ENV; }
