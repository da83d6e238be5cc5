# The known hosts of the deploy account are hashed, as Debian's ssh does it.
# host: fleet-1
# common: Debian's default for what ssh learns by itself
FILE=/home/deploy/.ssh/known_hosts
inject() {
	keep $FILE
	as_deploy ssh-keygen -q -H -f $FILE
	rm -f $FILE.old
}
landed() { grep -q '^|1|' $FILE; }
mend() { back $FILE; }
