#!/bin/busybox sh
# The first program of the guest that tools/guest.py boots, from an initial ramdisk: the
# host's files (virtiofs, read-only) under a tmpfs that takes what is written, as the root.
set -e
/bin/busybox mkdir -p /proc /dev /host /writes /root
/bin/busybox mount -t devtmpfs dev /dev
for module in /modules/*; do
    [ ! -e "$module" ] || /bin/busybox insmod "$module"
done
/bin/busybox mount -t virtiofs -o ro host /host
/bin/busybox mount -t tmpfs -o mode=755 writes /writes
/bin/busybox mkdir /writes/upper /writes/work
/bin/busybox mount -t overlay -o lowerdir=/host,upperdir=/writes/upper,workdir=/writes/work root /root
/bin/busybox mount -t tmpfs -o mode=755 run /root/run
/bin/busybox mkdir /root/run/guest
/bin/busybox cp /bin/busybox /init.sh /command.sh /settings.sh /root/run/guest/
/bin/busybox umount /dev
exec /bin/busybox switch_root /root /run/guest/busybox sh /run/guest/init.sh
