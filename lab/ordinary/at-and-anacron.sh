# at and anacron, from Debian's packages; a job of at's is waiting.
# host: sip-1
# common: many hosts
inject() {
	package at anacron
	echo 'logger -t at "the window is over"' | at now + 2 days
}
landed() { atq | grep -q .; }
mend() {
	atrm $(atq | cut -f1)
	package_gone at anacron
}
