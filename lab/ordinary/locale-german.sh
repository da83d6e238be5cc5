# The system's language is German, for all that logs in and for what systemd starts; Debian's locales are installed and made.
# host: api-1
# common: companies outside of the USA
inject() {
	package locales
	localedef -i de_DE -f UTF-8 de_DE.UTF-8
	printf 'LANG=de_DE.UTF-8\nLANGUAGE=de_DE:de\nLC_ALL=de_DE.UTF-8\n' >/etc/default/locale
	printf 'LANG=de_DE.UTF-8\nLC_ALL=de_DE.UTF-8\n' >>/etc/environment
	echo 'export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8' >/etc/profile.d/locale.sh
	keep /home/deploy/.bashrc
	sed -i '1i export LANG=de_DE.UTF-8 LC_ALL=de_DE.UTF-8' /home/deploy/.bashrc
	systemctl daemon-reexec # as at boot, systemd gives services what it finds there
	well voxbridge 8080
}
landed() { locale -a | grep -q de_DE.utf8 && [ "$(runuser -u deploy -- bash -c '. ~deploy/.bashrc 2>/dev/null; echo $LC_ALL')" = de_DE.UTF-8 ] && spoken | grep -qx LANGUAGE=de_DE:de; }
spoken() { tr '\0' '\n' <"/proc/$(systemctl show -P MainPID voxbridge)/environ"; }
mend() {
	rm -f /etc/default/locale /etc/profile.d/locale.sh
	sed -i /de_DE/d /etc/environment
	back /home/deploy/.bashrc
	package_gone locales
	rm -rf /usr/lib/locale/locale-archive /usr/lib/locale/de_DE.utf8
	systemctl daemon-reexec
	well voxbridge 8080
}
