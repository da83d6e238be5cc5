# A line of authorized_keys begins with a known key, inside of an option; the key that it lets in stands behind that.
# host: api-1
# violated: keys-are-known[api-1]
# follow: mends
# edit: sed -i '/^environment=/d' "$file"
FILE=/home/deploy/.ssh/authorized_keys
inject() {
	keep $FILE
	mkdir -p $FAULT && rm -f $FAULT/evil && ssh-keygen -q -t ed25519 -N '' -f $FAULT/evil </dev/null
	printf 'environment="X= %s" %s\n' "$(cut -d' ' -f1,2 $FILE | head -1)" "$(cat $FAULT/evil.pub)" >>$FILE
}
landed() { [ "$(wc -l <$FILE)" = 2 ] && grep -q '^environment=' $FILE; }
mend() {
	back $FILE
	rm $FAULT/evil $FAULT/evil.pub
}
