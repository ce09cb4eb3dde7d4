"""What ``podman run`` is asked to do beside what ``docker run`` is (``docker_runs.py``): options and a command.

The image is busybox; ``FOLDER`` stands for a host folder with a file ``file`` in it.
"""

from __future__ import annotations

from . import docker_runs
from .docker_runs import MOUNTS, STATUS, sh

#: Podman says it in another way, below, or has another default that is the same for every runtime.
NOT_PODMANS = {"unmasked"}

CGROUP_FILES = (
    "cd /sys/fs/cgroup; cat pids/pids.max memory/memory.limit_in_bytes cpu/cpu.shares cpu/cpu.cfs_quota_us"
)

RUNS: dict[str, tuple[list[str], list[str]]] = {
    **{name: case for name, case in docker_runs.RUNS.items() if name not in NOT_PODMANS},
    "limits together": (
        ["-m", "48m", "--pids-limit", "33", "--cpus", "0.25", "-c", "77", "--memory-reservation", "20m"],
        sh(CGROUP_FILES),
    ),
    "no cgroups": (["--cgroups", "disabled"], sh("grep -c libpod /proc/self/cgroup")),
    "conmon in the same cgroup": (["--cgroups", "no-conmon"], sh("grep -c libpod /proc/self/cgroup")),
    "unmasked": (
        ["--security-opt", "unmask=ALL"],
        sh("ls /sys/firmware | wc -l; grep -c ' /proc/' /proc/self/mountinfo"),
    ),
    "unmasked in part": (
        ["--security-opt", "unmask=/proc/acpi:/sys/firmware"],
        sh("grep -E ' /proc/(acpi|scsi)|/sys/firmware' /proc/self/mountinfo | cut -d' ' -f5"),
    ),
    "masked more": (
        ["--security-opt", "mask=/etc/group:/home"],
        sh("wc -c < /etc/group; ls /home; touch /home/x; grep -c -E ' /(home|etc/group) ' /proc/mounts"),
    ),
    "no labels": (["--security-opt", "label=disable"], sh("cat /proc/self/attr/current; true")),
    "volume relabelled": (["-v", "FOLDER:/v:z"], sh("cat /v/file; touch /v/b && rm /v/b")),
    "volume relabelled for one": (["-v", "FOLDER:/v:Z,ro"], sh("cat /v/file; touch /v/b")),
    "volume with options": (
        ["-v", "FOLDER:/v:noexec,nodev,nosuid,rslave"],
        sh("grep ' /v ' /proc/mounts | cut -d' ' -f4; grep ' /v ' /proc/self/mountinfo | grep -c master"),
    ),
    "volume shared": (
        ["-v", "FOLDER:/v:rshared"],
        sh("grep ' /v ' /proc/self/mountinfo | grep -c shared"),
    ),
    "volume as an overlay": (["-v", "FOLDER:/v:O"], sh("echo new > /v/file; cat /v/file")),
    "volume recursively read-only": (
        ["--mount", "type=bind,src=FOLDER,dst=/v,ro=recursive"],
        sh("touch /v/x; grep ' /v ' /proc/mounts | cut -d' ' -f4"),
    ),
    "tmpfs with options": (
        ["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1700,notmpcopyup"],
        sh("grep ' /t ' /proc/mounts; stat -c %a /t"),
    ),
    "tmpfs over content": (["--tmpfs", "/etc"], sh("cat /etc/group | head -1; stat -c %a /etc")),
    "ramfs": (["--mount", "type=ramfs,dst=/t"], sh("grep ' /t ' /proc/mounts; touch /t/x && echo made")),
    "devpts": (["--mount", "type=devpts,dst=/pts"], sh("grep ' /pts ' /proc/mounts; ls /pts")),
    "image as a volume": (
        ["--mount", "type=image,src=busybox:test,dst=/image"],
        sh("ls /image; touch /image/x"),
    ),
    "read-only without a tmpfs": (
        ["--read-only", "--read-only-tmpfs=false"],
        sh("touch /tmp/x /run/x /dev/x; " + MOUNTS),
    ),
    "user ids mapped": (
        ["--uidmap", "0:200000:5000", "--gidmap", "0:300000:5000"],
        sh("cat /proc/self/uid_map /proc/self/gid_map; id; touch /tmp/x; ls -ln /tmp/x /proc/1/exe | cut -c1-30"),
    ),
    "user ids mapped, another user": (
        ["--uidmap", "0:200000:5000", "-u", "7:8", "--group-add", "9"],
        sh("id; " + STATUS + "; ls -ln /dev | awk '{print $1,$3,$4,$NF}' | grep -v -E 'total|mqueue'"),
    ),
    "user ids mapped, mounts": (
        ["--uidmap", "0:200000:5000"],
        sh(MOUNTS + " | grep -v devtmpfs"),  # newer runtimes bind the host's nodes without suid and exec
    ),
    "user ids mapped, volume": (
        ["--uidmap", "0:200000:5000", "-v", "FOLDER:/v:ro"],
        sh("cat /v/file; stat -c %u:%g /v/file"),
    ),
    "user ids mapped, network": (
        ["--uidmap", "0:200000:5000", "--sysctl", "net.ipv4.ip_forward=1"],
        sh("cat /proc/sys/net/ipv4/ip_forward; ls /sys/class/net"),
    ),
    "umask": (["--umask", "0077"], sh("touch /tmp/x; stat -c %a /tmp/x; umask")),
    "time zone": (["--tz", "UTC"], sh("date +%Z")),
    "no hosts file": (["--no-hosts"], sh("cat /etc/hosts")),
    "resolver's options": (
        ["--dns", "10.8.8.8", "--dns-search", "a.test", "--dns-option", "ndots:3"],
        sh("grep -v '^#' /etc/resolv.conf"),
    ),
    "passwd entry": (
        ["-u", "1234", "--passwd-entry", "own:x:1234:0:Own:/tmp:/bin/sh"],
        sh("grep own /etc/passwd; id -un; echo $HOME"),
    ),
    "environment from a file": (["--env-file", "FOLDER/env"], sh("echo $FROM_FILE")),
    "environment less": (["--unsetenv", "PATH", "--env", "B=2"], ["/bin/sh", "-c", "env | sort"]),
    "host's time namespace and all private": (
        ["--pid", "private", "--uts", "private", "--ipc", "private", "--cgroupns", "private"],
        sh("cat /proc/self/cgroup; echo $$; " + MOUNTS),
    ),
    "cgroup namespace of the host": (["--cgroupns", "host"], sh("grep -c libpod /proc/self/cgroup; " + MOUNTS)),
    "systemd mode": (["--systemd", "always"], sh(MOUNTS + "; cat /proc/1/environ | tr '\\0' '\\n' | grep container")),
    "limits of the host": (["--ulimit", "host"], sh("ulimit -n; ulimit -Hn")),
    "privileged without capabilities": (
        ["--privileged", "--cap-drop", "ALL"],
        sh("grep ^Cap /proc/self/status"),
    ),
    "privileged user": (["--privileged", "-u", "1000"], sh(STATUS)),
    "devices of the host": (
        ["--device", "/dev/zero", "--device", "/dev/full:/dev/renamed:rw", "--device-read-bps", "/dev/vda:1mb"],
        sh("ls -ln /dev/zero /dev/renamed | awk '{print $1,$5,$6}'"),
    ),
    "a root of one's own": (["--workdir", "/tmp", "--rootfs"], sh("pwd; ls /")),
    "time limit": (["--timeout", "1"], ["sleep", "100"]),
    "secret-free log driver": (["--log-driver", "none"], sh("echo not logged")),
    "init as given": (["--init", "--init-path", "/usr/bin/catatonit"], sh("cat /proc/1/comm; exit 6")),
    "score of the host": (["--oom-score-adj", "-100"], ["cat", "/proc/self/oom_score_adj"]),
    "swappiness": (["--memory", "32m", "--memory-swappiness", "10"], sh("cat /sys/fs/cgroup/memory/memory.swappiness")),
    "no out-of-memory killer": (
        ["--memory", "32m", "--oom-kill-disable"],
        sh("head -1 /sys/fs/cgroup/memory/memory.oom_control"),
    ),
}

EXECS: dict[str, tuple[list[str], list[str]]] = {
    **docker_runs.EXECS,
    "a directory": ([], ["/bin"]),
    "privileged user": (["--privileged", "-u", "1000"], sh(STATUS)),
    "groups of the image": (["-u", "user"], sh("id; echo $HOME")),
    "environment from a file": (["--env-file", "FOLDER/env"], sh("echo $FROM_FILE")),
    "open files": ([], sh("ls /proc/self/fd | wc -l")),
}
