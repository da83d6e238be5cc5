# Two people log in as themselves and one of them as root, by keys; one key has options.
# host: data
# common: most hosts
# entry: [keys.data]
# entry: berta = ["SHA256:OUs/X5/Uw6RQ/E+9xnS3+GsrRdkWO9Fxo8gRzSTXj1M"]
# entry: cora = ["SHA256:7YzVON3HZ8Q/Xac/M5WyL+6EVUpeiQpKogrpDr4r15E"]
# entry: root = ["SHA256:OUs/X5/Uw6RQ/E+9xnS3+GsrRdkWO9Fxo8gRzSTXj1M"]
# without: keys-are-known[data]
BERTA='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOSyPYnZ7U6H9g45E861iHyQTEaGhYOpGbwVUTFRFkOF berta@example.com'
CORA='ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIL4x59DmD8Agg+nfMQ5T/lwIOswNvF0cq218+HYedwW/ cora@example.com'
keys() {
	install -d -m 700 -o "$1" -g "$1" "$2/.ssh"
	install -m 600 -o "$1" -g "$1" /dev/stdin "$2/.ssh/authorized_keys"
}
inject() {
	useradd -m -s /bin/bash -p '*' -G sudo berta
	useradd -m -s /bin/bash -p '*' cora
	keys berta /home/berta <<<"$BERTA"
	keys cora /home/cora <<<"from=\"198.51.100.0/24\",no-agent-forwarding $CORA"
	keys root /root <<<"$BERTA"
}
landed() { [ "$(ssh-keygen -lf /home/cora/.ssh/authorized_keys | wc -l)" = 1 ] && ssh-keygen -lf /root/.ssh/authorized_keys; }
mend() {
	rm /root/.ssh/authorized_keys
	userdel -r berta 2>/dev/null
	userdel -r cora 2>/dev/null
}
