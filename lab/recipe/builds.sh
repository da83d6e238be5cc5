#!/bin/sh
# Inside the image: the account that builds releases, and for each service a cache of its own, with all that was fetched.
set -eu

useradd --system --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin voxbuild
install -d -o root -g root -m 755 /var/lib/voxbuild
install -d -o voxbuild -g voxbuild /var/lib/voxbuild/.cache
cp -a /var/cache/uv /var/cache/npm /var/lib/voxbuild/.cache
chown -R voxbuild:voxbuild /var/lib/voxbuild/.cache
for name in vox-backend vox-frontend vox-agents vox-dialler; do
	install -d -o root -g root -m 755 "/var/lib/voxbuild/$name"
	cp -al /var/lib/voxbuild/.cache "/var/lib/voxbuild/$name/cache"
done
rm -rf /var/lib/voxbuild/.cache /var/cache/uv /var/cache/npm
