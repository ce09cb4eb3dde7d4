# Process 1 of the guest that tools/guest.py boots: mounts what a system has, runs the one
# command, says its status on a port of its own, and ends the machine. settings.sh gives
# CGROUP_OPTIONS and CGROUP, the cgroup that the command runs in; NOW, the time; and SYSTEMD, which,
# where it is not empty, becomes process 1 and runs the command as its only service.
. /run/guest/settings.sh
busybox=/run/guest/busybox

$busybox mount -t proc -o nosuid,nodev,noexec proc /proc
$busybox mount -t sysfs -o nosuid,nodev,noexec sys /sys
$busybox mount -t devtmpfs -o nosuid,mode=755 dev /dev
$busybox date -s "@$NOW" >/dev/null
$busybox mkdir -p /dev/pts /dev/shm /dev/mqueue
$busybox mount -t devpts -o gid=5,mode=620,ptmxmode=000 devpts /dev/pts
$busybox mount -t tmpfs -o nosuid,nodev,mode=1777 shm /dev/shm
$busybox mount -t mqueue mqueue /dev/mqueue
$busybox ln -sf /proc/self/fd /dev/fd
for name in in:0 out:1 err:2; do $busybox ln -sf /proc/self/fd/${name#*:} /dev/std${name%:*}; done
$busybox mount -t cgroup2 -o "nosuid,nodev,noexec,$CGROUP_OPTIONS" cgroup /sys/fs/cgroup
$busybox mount -t bpf bpf /sys/fs/bpf
$busybox mkdir -p /run/lock

# Temporary files: on a tmpfs, as overlays want; not in /tmp, where the host may have what is
# needed; and by a bind, so that mountinfo gives a file there the same path as everybody else.
$busybox mkdir /run/guest/files /scratch
$busybox mount -t tmpfs scratch /run/guest/files
$busybox mkdir -m 1777 /run/guest/files/scratch
$busybox mount -o bind /run/guest/files/scratch /scratch

$busybox ip link set lo up
ulimit -Hn 524288

port() { # the device of a virtio port, by its name
    for entry in /sys/class/virtio-ports/*; do
        [ "$($busybox cat "$entry/name")" != "$1" ] || echo "/dev/${entry##*/}"
    done
}

finish() { # STATUS
    tries=0
    while kill -0 $relay 2>/dev/null && [ $tries -lt 50 ]; do # as long as something that was left behind holds the pipe
        $busybox sleep 0.1
        tries=$((tries + 1))
    done
    echo "$1" >"$(port rung.status)"
    $busybox reboot -f
}

# A port opens once at a time; a command may open /dev/stdout again. So a pipe is between.
$busybox mkfifo /run/guest/output
$busybox cat /run/guest/output >"$(port rung.output)" &
relay=$!

if [ -n "$SYSTEMD" ]; then
    # Its own units only: what the host has enabled is not wanted here.
    units=/run/systemd/system
    $busybox mkdir -p $units /run/dbus
    echo rung-guest >/etc/hostname
    $busybox mkfifo /run/guest/ended
    printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Requires=guest.service' >$units/guest.target
    printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'After=dbus.service' 'Requires=dbus.service' '[Service]' \
        'Type=oneshot' 'TimeoutStartSec=infinity' "ExecStart=-$busybox sh /run/guest/service.sh" >$units/guest.service
    printf '%s\n' '[Unit]' 'DefaultDependencies=no' '[Socket]' 'ListenStream=/run/dbus/system_bus_socket' >$units/dbus.socket
    printf '%s\n' '[Unit]' 'DefaultDependencies=no' 'Requires=dbus.socket' '[Service]' 'Type=notify' 'NotifyAccess=main' \
        'ExecStart=/usr/bin/dbus-daemon --system --address=systemd: --nofork --nopidfile --systemd-activation' >$units/dbus.service
    printf '%s\n' "$busybox sh /run/guest/command.sh </dev/null >/run/guest/output 2>&1" \
        'echo $? >/run/guest/ended' >/run/guest/service.sh
    { # in a cgroup of its own, where systemd leaves it alone
        $busybox mkdir /sys/fs/cgroup/rung-guest
        echo 0 >/sys/fs/cgroup/rung-guest/cgroup.procs
        read -r status </run/guest/ended
        finish "$status"
    } &
    exec $SYSTEMD --unit=guest.target --log-target=console --log-level=warning --show-status=no
fi

for controller in $($busybox cat /sys/fs/cgroup/cgroup.controllers); do
    echo "+$controller" >/sys/fs/cgroup/cgroup.subtree_control
done
$busybox mkdir -p "/sys/fs/cgroup$CGROUP"
(
    echo 0 >"/sys/fs/cgroup$CGROUP/cgroup.procs"
    exec $busybox sh /run/guest/command.sh
) </dev/null >/run/guest/output 2>&1 &
wait $!
finish $?
