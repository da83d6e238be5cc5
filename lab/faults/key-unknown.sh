# A key that nobody knows may log in.
# host: fleet-1
# violated: keys-are-known[fleet-1]
# follow: mends
# edit: sed -i '$d' "$file"
KEYS=/home/deploy/.ssh/authorized_keys
inject() {
	keep $KEYS
	mkdir -p $FAULT && ssh-keygen -q -t ed25519 -N '' -f $FAULT/stranger <<<y >/dev/null
	cat $FAULT/stranger.pub >>$KEYS
}
landed() { ssh -i $FAULT/stranger -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o BatchMode=yes deploy@127.0.0.1 true; }
mend() {
	back $KEYS
	rm -f $FAULT/stranger $FAULT/stranger.pub
}
