# The backend runs a second time, by a unit with another name, on another port.
# host: api-1
# violated: units-are-all-there-are[backend-api-1] only-expected-listeners[api-1]
#   database-sees-one-dialler[vox]
# follow: mends
FILE=/etc/systemd/system/speech-gateway.service
inject() {
	sed 's/--port 8080/--port 8085/' /etc/systemd/system/voxbridge.service >$FILE
	systemctl daemon-reload
	systemctl start speech-gateway
}
landed() { get /health 8085; }
left() {
	rm -f $FILE
	systemctl daemon-reload
}
mend() {
	systemctl stop speech-gateway
	rm $FILE
	systemctl daemon-reload
}
