#!/bin/sh
# private-root.sh ETC RUN PROGRAM …: runs a program that sees ETC as /etc, RUN as /run and nothing in /var/lib. A read-only
# /sys tells it that there is no udev. `ip netns exec` has given it mounts of its own.
set -e
mount --bind "$1" /etc
mount --bind "$2" /run
mount -t tmpfs tmpfs /var/lib
mount -o remount,bind,ro /sys
shift 2
exec "$@"
