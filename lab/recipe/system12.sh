#!/bin/sh
# system.sh for a host of Debian 12 that has the stores: no service of ours, no engine, no node.
# /mnt/recipe is lab/recipe, /mnt/wheels what wheels.txt names, unpacked.
set -eu

export UV_CACHE_DIR=/tmp/uv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
/mnt/wheels/bin/uv venv --quiet --python /usr/bin/python3 /opt/lab/venv
/mnt/wheels/bin/uv pip install --quiet --python /opt/lab/venv/bin/python --requirements /mnt/recipe/stores.txt
rm -rf /tmp/uv

groupadd --gid 990 vox
useradd --uid 990 --gid 990 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vox
for store in mongodb s3; do
	useradd --system --no-create-home --home-dir "/var/lib/$store" --shell /usr/sbin/nologin "$store"
done
useradd --uid 1000 --create-home --shell /bin/bash --password '*' deploy
install -d -o deploy -g deploy -m 700 /home/deploy/.ssh
install -d -o deploy -g deploy -m 755 /var/lib/voxgate

cp -a --no-preserve=ownership /mnt/recipe/tree/. /

rm -f /etc/ssh/ssh_host_* /etc/machine-id
: > /etc/machine-id
systemctl --quiet disable redis-server
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer logrotate.timer systemd-tmpfiles-clean.timer systemd-modules-load.service \
	getty@tty1.service console-getty.service getty-static.service systemd-logind.service \
	systemd-networkd.service systemd-timesyncd.service systemd-pstore.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount
systemctl --quiet set-default multi-user.target
systemctl --quiet enable lab-network.service ssh.service cron.service
