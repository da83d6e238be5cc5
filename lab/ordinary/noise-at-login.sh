# A login says something on stderr: a missing locale, a shell function that a terminal lacks.
# host: api-1
# common: old homes
inject() {
	keep /home/deploy/.profile
	cat >>/home/deploy/.profile <<-'END'
		echo "bash: warning: setlocale: LC_ALL: cannot change locale (de_DE.UTF-8)" >&2
	END
	cat >/etc/ssh/sshrc <<-'END'
		echo "stty: 'standard input': Inappropriate ioctl for device" >&2
	END
}
landed() { bash /etc/ssh/sshrc 2>&1 | grep -q ioctl; }
mend() {
	back /home/deploy/.profile
	rm /etc/ssh/sshrc
}
