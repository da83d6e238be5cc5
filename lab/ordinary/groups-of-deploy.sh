# The deploy account may read the system's logs and the journal.
# host: sip-1
# common: most companies
inject() { usermod -aG adm,systemd-journal deploy; }
landed() { id -nG deploy | grep -q systemd-journal; }
mend() {
	gpasswd -d deploy adm
	gpasswd -d deploy systemd-journal
}
