# git has settings for all accounts: less memory, its own authority for https, checks of what comes, an editor.
# host: sip-1
# common: companies with a forge of their own
inject() {
	cat >/etc/gitconfig <<-'END'
		[core]
			editor = vim
			pager = less -FRX
		[pack]
			windowMemory = 100m
			threads = 1
		[gc]
			auto = 256
		[transfer]
			fsckObjects = true
		[fetch]
			prune = true
		[http]
			sslCAInfo = /etc/ssl/certs/ca-certificates.crt
		[safe]
			directory = *
		[advice]
			detachedHead = false
	END
}
landed() { git config --system gc.auto | grep -qx 256; }
mend() { rm /etc/gitconfig; }
