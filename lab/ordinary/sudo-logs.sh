# sudo runs what it runs in a terminal of its own, and records it.
# host: fleet-2
# common: audited companies
FILE=/etc/sudoers.d/10-logging
inject() {
	cat >$FILE <<-'END'
		Defaults use_pty
		Defaults logfile="/var/log/sudo.log"
		Defaults log_output
		Defaults!/usr/bin/sudoreplay !log_output
		Defaults iolog_dir=/var/log/sudo-io/%{user}
		Defaults passwd_tries=3, timestamp_timeout=5
		Defaults lecture=always
	END
	chmod 440 $FILE
	visudo -cq
}
landed() { mkdir -p /var/log/sudo-io; sudo -n true; find /var/log/sudo-io -name log | grep -q . ; }
mend() { rm -rf $FILE /var/log/sudo-io /var/log/sudo.log; }
