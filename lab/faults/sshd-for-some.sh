# sshd takes passwords, from one network only.
# host: api-1
# violated: keys-are-known[api-1]
# follow: mends
# edit: sed -i '/^.PasswordAuthentication yes/d' "$file"
FILE=/etc/ssh/sshd_config.d/zz.conf
inject() {
	printf 'Match Address 203.0.113.0/24\n\tPasswordAuthentication yes\n' >$FILE
	systemctl restart ssh
}
landed() { sshd -T -C user=deploy,host=x,addr=203.0.113.9 | grep -q '^passwordauthentication yes'; }
left() {
	rm -f $FILE
	systemctl restart ssh
}
mend() {
	rm $FILE
	systemctl restart ssh
}
