# etckeeper keeps /etc in git and commits each day. Its job of cron.daily is the package's; its program is cut to what that does.
# host: fleet-2
# common: many hosts
# entry: [jobs]
# entry: fleet-2 = ["/etc/cron.daily/etckeeper: git"]
# without: one-copy-only[fleet-2]
inject() {
	mkdir -p /etc/etckeeper
	printf 'VCS="git"\nGIT_COMMIT_OPTIONS=""\nHIGHLEVEL_PACKAGE_MANAGER=apt\nLOWLEVEL_PACKAGE_MANAGER=dpkg\n' >/etc/etckeeper/etckeeper.conf
	install -m 755 /dev/stdin /usr/bin/etckeeper <<-'END'
		#!/bin/sh
		cd /etc || exit 1
		git add --all . && git commit --quiet --message="$2"
	END
	install -m 755 /dev/stdin /etc/cron.daily/etckeeper <<-'END'
		#!/bin/sh
		set -e
		if [ -x /usr/bin/etckeeper ] && [ -e /etc/etckeeper/etckeeper.conf ]; then
			. /etc/etckeeper/etckeeper.conf
			if [ "$AVOID_DAILY_AUTOCOMMITS" != "1" ]; then
				/usr/bin/etckeeper commit "daily autocommit" >/dev/null
			fi
		fi
	END
}
landed() { [ -x /etc/cron.daily/etckeeper ] && grep -q 'git commit' /usr/bin/etckeeper; }
mend() { rm -r /etc/cron.daily/etckeeper /usr/bin/etckeeper /etc/etckeeper; }
