#!/usr/bin/env bash
# Makes build/aarch64/sysroot: the arm64 packages of the libraries in packages.txt with all that they depend on, unpacked.
# apt runs on lists and a status of its own in build/aarch64/apt: this system's dpkg learns of no second architecture.
set -euo pipefail
cd "$(dirname "$0")/.."

work=$PWD/build/aarch64
sysroot=$work/sysroot
libraries=$(awk -F'|' '{ gsub(/ /, "") } ($1 == "build" || $1 == "test") && $3 ~ /^lib|-dev$/ { print $3 }' tools/packages.txt)

# The stamp holds the list that the sysroot was made from.
if [ "$(cat "$sysroot/packages" 2>/dev/null)" = "$libraries" ]; then exit 0; fi

mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial"
: >"$work/apt/status" # nothing is installed: the whole closure is downloaded
options=(
  -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Sandbox::User=root
  -o Dir::State="$work/apt/state" -o Dir::State::status="$work/apt/status" -o Dir::Cache="$work/apt/cache"
)
apt-get "${options[@]}" update -qq
apt-get "${options[@]}" install -qq -y --no-install-recommends --download-only $libraries

rm -rf "$sysroot"
mkdir -p "$sysroot"
for archive in "$work"/apt/cache/archives/*.deb; do dpkg-deb -x "$archive" "$sysroot"; done

# Links that point to the root of an installed system point into the sysroot instead.
find "$sysroot" -lname '/*' | while IFS= read -r link; do
  ln -sfn "$sysroot$(readlink "$link")" "$link"
done
rm -rf "$work/apt"
printf '%s\n' "$libraries" >"$sysroot/packages"
