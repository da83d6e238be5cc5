# redis may open more files, by a drop-in of the operator's.
# host: data
# common: most hosts with redis
FOLDER=/etc/systemd/system/redis-server.service.d
inject() {
	mkdir -p $FOLDER
	printf '[Service]\nLimitNOFILE=100000\n' >$FOLDER/limits.conf
	systemctl daemon-reload
}
landed() { [ "$(systemctl show -P LimitNOFILE redis-server)" = 100000 ]; }
mend() {
	rm -r $FOLDER
	systemctl daemon-reload
}
