# sudo lets deploy choose the environment of a command of root's, and a line in the backend's .env has the word for that cut.
# host: api-1
# violated: env-file-holds-what-is-known[backend-api-1]
# blind: sudo-is-minimal[api-1]
# follow: mends
# edit: sed -i '/^A_SECRET=/d; s/^deploy.*SETENV/# &/' "$file"
ENV=/opt/vox-backend/.env
inject() {
	keep $ENV
	echo 'A_SECRET="setenv, !authenticate"' >>$ENV
	well voxbridge 8080
	install -m 440 /dev/stdin /etc/sudoers.d/x <<<'deploy ALL=(root) NOPASSWD: SETENV: /usr/bin/systemctl restart voxbridge.service'
}
landed() { grep -q A_SECRET $ENV && sudo -ll -U deploy | grep -q 'setenv' && get /health 8080; }
left() { rm -f /etc/sudoers.d/x; }
mend() {
	rm -f /etc/sudoers.d/x
	back $ENV
	well voxbridge 8080
}
