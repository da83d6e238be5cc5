# The gate cannot reach the database; everybody else can.
# host: data
# blind: database-sees-one-dialler[vox] dialler-keeps-its-pace[sip-1-voxdialler]
#   dialler-records-keep-the-contract[sip-1-voxdialler]
# follow: by hand, the database's own host and users are for who runs it
RULE='OUTPUT -d 127.0.0.1 -p tcp --dport 27017 -j REJECT'
inject() { iptables -A $RULE; }
landed() { ! listens 127.0.0.1 27017 && listens 198.51.100.11 27017; }
mend() { iptables -D $RULE; }
