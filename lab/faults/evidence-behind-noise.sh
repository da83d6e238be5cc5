# The deploy account's startup file greets whoever comes. The greeting is no answer of the probe, and hides none.
# host: api-1
# violated: unit-is-active[api-1-voxbridge]
# follow: mends
RC=/home/deploy/.bashrc
inject() {
	keep $RC
	printf 'echo Welcome to api-1; printf "{\\"format\\": 1} without an end"\n' >$RC
	systemctl disable -q voxbridge
}
landed() { as_deploy bash -c ". $RC" | grep -q Welcome && ! systemctl is-enabled -q voxbridge; }
left() { back $RC; }
mend() {
	back $RC
	systemctl enable -q voxbridge
}
