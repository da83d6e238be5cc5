# Defaults of sudo that people like: what is kept, where is looked, insults, a mail on a wrong try.
# host: api-1
# common: most companies
FILE=/etc/sudoers.d/05-defaults
inject() {
	cat >$FILE <<-'END'
		Defaults env_reset, mail_badpass, insults, pwfeedback
		Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/snap/bin"
		Defaults env_keep += "SSH_AUTH_SOCK EDITOR"
		Defaults:%sudo timestamp_timeout=30
		Defaults!/usr/bin/less noexec
		User_Alias OPS = anna, ben
	END
	chmod 440 $FILE
	visudo -cq
}
landed() { runuser -u deploy -- sudo -n -l | grep -q insults; }
mend() { rm $FILE; }
