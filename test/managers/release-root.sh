#!/bin/sh
# release-root.sh ROOT FILES PROGRAM …: runs a program of another Debian release, in whose root it sees FILES under the same path,
# and an empty /run and /tmp otherwise. `ip netns exec` has given it mounts of its own.
set -e
root=$1 files=$2
shift 2
mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
for place in run tmp; do mount -t tmpfs tmpfs "$root/$place"; done
mkdir -p "$root$files"
mount --bind "$files" "$root$files"
exec chroot "$root" "$@"
