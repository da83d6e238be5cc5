#!/bin/sh
# Inside the image, with network: fill uv's and npm's cache with what the locks of all releases name, so that a host needs no network.
# /mnt/locks/python/* and /mnt/locks/node/* hold one manifest and its lock each.
set -eu

export UV_OFFLINE=0 npm_config_offline=false
for lock in /mnt/locks/python/*/; do
	[ -d "$lock" ] || continue
	work=$(runuser -u deploy -- mktemp -d)
	cp "$lock"/* "$work"
	chown deploy:deploy "$work"/*
	runuser -u deploy -- env HOME=/home/deploy uv sync --quiet --locked --no-install-project --directory "$work"
	rm -rf "$work"
done
for lock in /mnt/locks/node/*/; do
	[ -d "$lock" ] || continue
	work=$(runuser -u deploy -- mktemp -d)
	cp "$lock"/* "$work"
	chown deploy:deploy "$work"/*
	runuser -u deploy -- env --chdir="$work" HOME=/home/deploy npm ci --loglevel=error
	rm -rf "$work"
done
rm -rf /home/deploy/.npm /home/deploy/.cache
