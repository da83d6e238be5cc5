#!/bin/sh
# Inside the image, with network: fetch the packages of pool.txt, with all that they need, into /var/cache/ordinary, as a place
# that apt installs from without a network. What stands on one line can be installed together.
set -eu

pool=/var/cache/ordinary
export DEBIAN_FRONTEND=noninteractive
mkdir -p "$pool/lists"
cat > /tmp/apt.conf <<END
Dir::State::lists "/tmp/lists";
Dir::Cache "/tmp/cache";
Dir::Cache::archives "$pool";
Acquire::Languages "none";
END
mkdir -p /tmp/lists /tmp/cache
export APT_CONFIG=/tmp/apt.conf
apt-get update -q --error-on=any
grep -v '^#' /mnt/pool.txt | while read -r together; do
	apt-get install -q -y --no-install-recommends --download-only $together
done

cd "$pool"
rm -rf partial lock
sha256sum ./*.deb | while read -r hash deb; do
	dpkg-deb --field "$deb"
	printf 'Filename: %s\nSize: %s\nSHA256: %s\n\n' "$deb" "$(stat -c %s "$deb")" "$hash"
done > Packages
echo "deb [trusted=yes] file:$pool ./" > sources.list
apt-get update -q -o Dir::Etc::sourcelist="$pool/sources.list" -o Dir::Etc::sourceparts=- -o Dir::State::lists="$pool/lists"
