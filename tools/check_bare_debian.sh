#!/usr/bin/env bash
# The steps of the Dockerfile in a bare Debian 12 root, where no container engine is: are tools/packages.txt and ./tiny
# complete? Packages, build, an unprivileged user that serves, and the health check. Needs root, debootstrap, network,
# 3 GB of disk, and as long as a build takes.
# usage: sudo tools/check_bare_debian.sh FOLDER   (which it makes, and leaves for a second run)
set -euo pipefail
[ $# = 1 ] || { sed -n 's/^# usage: //p' "$0" >&2; exit 2; }
root=$(realpath -m "$1")
cd "$(dirname "$0")/.."

[ -d "$root/usr" ] || debootstrap --variant=minbase bookworm "$root"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
trap 'umount "$root/dev" "$root/proc"' EXIT
cp /etc/resolv.conf "$root/etc/"
mkdir -p "$root/tiny-llm" "$root/models"
git archive HEAD | tar x -m -C "$root/tiny-llm" # newer than what a run before has built

inside() { env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TINYLLM_HOME=/models chroot "$root" "$@"; }

inside sh -c 'cd /tiny-llm && ./tiny --version'
inside sh -c 'id tinyllm >/dev/null 2>&1 || useradd --create-home --uid 10001 tinyllm; chown -R tinyllm /models /tiny-llm'
inside su -s /bin/sh tinyllm -c 'export TINYLLM_HOME=/models; cd /tiny-llm && ./tiny chat "Say hello" --temperature 0 -n 8'
# The command of HEALTHCHECK, as it stands there.
check=$(sed -n 's/^  CMD \["python3", "-c", "\(.*\)"\]$/\1/p' Dockerfile)
[ -n "$check" ] || { echo "the Dockerfile has no HEALTHCHECK that can be read" >&2; exit 1; }
inside su -s /bin/sh tinyllm -c 'export TINYLLM_HOME=/models; cd /tiny-llm
  ./tiny serve --port 8000 & server=$!
  for i in $(seq 60); do python3 -c "$0" 2>/dev/null && break; sleep 1; done
  python3 -c "$0"; healthy=$?; kill $server; wait $server; exit $healthy' "$check"
echo "a bare Debian 12 builds, chats and serves"
