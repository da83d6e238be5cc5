# The system's language is German, for all that logs in and for all units.
# host: api-1
# common: companies outside of the USA
inject() {
	printf 'LANG=de_DE.UTF-8\nLANGUAGE=de_DE:de\nLC_ALL=de_DE.UTF-8\n' >/etc/default/locale
	printf 'LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n' >>/etc/environment
	echo 'export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8' >/etc/profile.d/locale.sh
	keep /home/deploy/.bashrc
	sed -i '1i export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8' /home/deploy/.bashrc
}
landed() { [ "$(runuser -u deploy -- bash -c '. ~deploy/.bashrc 2>/dev/null; echo $LC_ALL')" = de_DE.UTF-8 ]; }
mend() {
	rm -f /etc/default/locale /etc/profile.d/locale.sh
	sed -i /de_DE/d /etc/environment
	back /home/deploy/.bashrc
}
