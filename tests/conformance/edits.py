"""The mounts and edits of ``config.json`` that ``test_runc_inside`` runs, as data.

A mount's ``SOURCE`` stands for a folder of the test's with one file in it. An edited bundle
is a shell script to run and the edits to make, as ``bundle.edit`` takes them.
"""

from __future__ import annotations

from typing import Any


def tmpfs(*options: str) -> dict[str, Any]:
    return {"destination": "/mnt/t", "type": "tmpfs", "source": "tmpfs", "options": list(options)}


def bind(destination: str, *options: str) -> dict[str, Any]:
    """``SOURCE`` stands for a folder of the bed's with a file in it."""
    return {"destination": destination, "type": "bind", "source": "SOURCE", "options": list(options)}


MOUNTS: dict[str, dict[str, Any]] = {
    "tmpfs": tmpfs(),
    "tmpfs with options": tmpfs("nosuid", "noexec", "size=1m", "mode=1700", "uid=5", "gid=6"),
    "tmpfs read-only": tmpfs("ro"),
    "tmpfs noatime, sync": tmpfs("noatime", "sync"),
    "tmpfs strictatime, nodiratime": tmpfs("strictatime", "nodiratime"),
    "tmpfs with the content below": {**tmpfs("tmpcopyup"), "destination": "/etc"},
    "tmpfs without type": {"destination": "/mnt/t", "source": "tmpfs"},
    "bind": bind("/mnt/b", "bind"),
    "bind by option alone": {**bind("/mnt/b", "bind"), "type": "none"},
    "bind read-only": bind("/mnt/b", "bind", "ro"),
    "bind recursive": bind("/mnt/b", "rbind", "ro", "nosuid", "nodev", "noexec"),
    "bind recursively read-only": bind("/mnt/b", "rbind", "rro"),
    "bind private": bind("/mnt/b", "rbind", "rprivate"),
    "bind slave": bind("/mnt/b", "rbind", "rslave"),
    "bind unbindable": bind("/mnt/b", "bind", "unbindable"),
    "bind of a file": {**bind("/mnt/b/file", "bind"), "source": "SOURCE/file"},
    "bind over a file": {**bind("/etc/passwd", "bind", "ro"), "source": "SOURCE/file"},
    "bind of what is not there": {**bind("/mnt/b", "bind"), "source": "/no/such/source"},
    "bind through a link": bind("/link/b", "bind"),
    "bind over proc": bind("/proc", "bind"),
    "bind into proc": bind("/proc/x", "bind"),
    "relative destination": bind("mnt/b", "bind"),
    "unknown option": bind("/mnt/b", "bind", "no-such-option"),
    "proc": {"destination": "/mnt/proc", "type": "proc", "source": "proc", "options": ["ro", "nosuid"]},
    "sysfs": {"destination": "/mnt/sys", "type": "sysfs", "source": "sysfs", "options": ["ro"]},
    "devpts": {
        "destination": "/mnt/pts",
        "type": "devpts",
        "source": "devpts",
        "options": ["newinstance", "ptmxmode=0666"],
    },
    "cgroup": {"destination": "/mnt/cg", "type": "cgroup", "source": "cgroup", "options": ["ro", "nosuid"]},
}


ALL = ["CAP_CHOWN", "CAP_SETUID", "CAP_SETGID", "CAP_NET_RAW", "CAP_SYS_ADMIN", "CAP_KILL"]
SECCOMP = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86_64", "SCMP_ARCH_X86", "SCMP_ARCH_AARCH64"],
    "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 88},
        {"names": ["chmod", "fchmodat", "fchmodat2"], "action": "SCMP_ACT_ERRNO"},
        {"names": ["sethostname"], "action": "SCMP_ACT_KILL_PROCESS"},
        {
            "names": ["kill"],
            "action": "SCMP_ACT_ERRNO",
            "errnoRet": 11,
            "args": [{"index": 1, "value": 10, "op": "SCMP_CMP_EQ"}],
        },
    ],
}
FUSE = {"path": "/dev/other", "type": "c", "major": 1, "minor": 3, "fileMode": 0o640, "uid": 7, "gid": 8}
PIPE = {"path": "/dev/deep/er/pipe", "type": "p", "fileMode": 0o600}

EDITS: dict[str, tuple[str, dict[str, Any]]] = {
    "user": ("id; grep ^Cap /proc/self/status", {"process.user": {"uid": 1000, "gid": 1000}}),
    "user with groups": ("id", {"process.user": {"uid": 7, "gid": 8, "additionalGids": [29, 100]}}),
    "user's home": ("echo $HOME", {"process.user": {"uid": 1000, "gid": 1000}}),
    "umask": (
        "umask; touch /tmp/f; ls -n /tmp/f | cut -c1-10",
        {"process.user": {"uid": 0, "gid": 0, "umask": 0o77}},
    ),
    "working directory": ("pwd", {"process.cwd": "/etc"}),
    "working directory to be made": (
        "pwd; ls -ldn . | cut -c1-10",
        {"process.cwd": "/a/b", "root.readonly": False},
    ),
    "working directory that is a file": ("pwd", {"process.cwd": "/etc/passwd"}),
    "environment": ("env | sort", {"process.env": ["A=1", "B=two words", "A=3", "HOME=/x"]}),
    "no environment": ("/bin/busybox env | /bin/busybox sort", {"process.env": []}),
    "broken environment": ("env", {"process.env": ["NOVALUE"]}),
    "no capabilities": ("grep ^Cap /proc/self/status", {"process.capabilities": {}}),
    "capabilities left out": ("grep ^Cap /proc/self/status", {"process.capabilities": None}),
    "capabilities": (
        "grep ^Cap /proc/self/status",
        {"process.capabilities": dict.fromkeys(("bounding", "permitted", "effective"), ALL)},
    ),
    "capabilities, ambient": (
        "grep ^Cap /proc/self/status",
        {
            "process.capabilities": dict.fromkeys(
                ("bounding", "permitted", "effective", "inheritable", "ambient"), ALL
            ),
            "process.user": {"uid": 9, "gid": 9},
        },
    ),
    "unknown capability": (
        "grep ^Cap /proc/self/status",
        {"process.capabilities": {"bounding": ["CAP_NO_SUCH"]}},
    ),
    "new privileges": ("grep NoNew /proc/self/status", {"process.noNewPrivileges": False}),
    "limits": (
        "cat /proc/self/limits",
        {
            "process.rlimits": [
                {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
                {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
            ]
        },
    ),
    "unknown limit": ("true", {"process.rlimits": [{"type": "RLIMIT_NONE", "soft": 1, "hard": 1}]}),
    "out-of-memory score": ("cat /proc/self/oom_score_adj", {"process.oomScoreAdj": 500}),
    "hostname": ("hostname", {"hostname": "a.host.name"}),
    "hostname without a namespace": ("true", {"linux.namespaces": [{"type": "mount"}, {"type": "pid"}]}),
    "host's network": (
        "ls /sys/class/net | wc -l",
        {"linux.namespaces": [{"type": t} for t in ("mount", "pid", "uts", "ipc")]},
    ),
    "host's processes": ("[ $$ != 1 ]", {"linux.namespaces": [{"type": t} for t in ("mount", "uts", "ipc")]}),
    "cgroup namespace": (
        "cat /proc/self/cgroup; cut -d' ' -f4-6 /proc/self/mountinfo | grep fs/cgroup/ | sort",
        {"linux.namespaces": [{"type": t} for t in ("mount", "pid", "uts", "ipc", "network", "cgroup")]},
    ),
    "cgroup path": ("cut -d: -f2- /proc/self/cgroup", {"linux.cgroupsPath": "/rung-conformance/inner"}),
    "cgroup path, relative": (
        "cut -d: -f2- /proc/self/cgroup",
        {"linux.cgroupsPath": "rung-conformance/inner"},
    ),
    "sysctl": (
        "cat /proc/sys/net/core/somaxconn /proc/sys/kernel/msgmax",
        {"linux.sysctl": {"net.core.somaxconn": "77", "kernel.msgmax": "4000"}},
    ),
    "sysctl with slashes": (
        "cat /proc/sys/net/ipv4/ip_forward",
        {"linux.sysctl": {"net/ipv4/ip_forward": "1"}},
    ),
    "sysctl of the host": ("true", {"linux.sysctl": {"fs.file-max": "1000"}}),
    "masked": ("wc -c /etc/passwd; ls /home", {"linux.maskedPaths": ["/etc/passwd", "/home", "/not/there"]}),
    "masked nothing": ("ls /sys/firmware | wc -l", {"linux.maskedPaths": []}),
    "read-only": (
        "touch /tmp/f && echo made; touch /home/f",
        {"linux.readonlyPaths": ["/home", "/not/there"], "root.readonly": False},
    ),
    "device": ("ls -ln /dev/other | cut -d' ' -f1-12; echo x > /dev/other", {"linux.devices": [FUSE]}),
    "device in folders": ("ls -ln /dev/deep/er/pipe | cut -c1-10", {"linux.devices": [PIPE]}),
    "device rules": (
        "echo x > /dev/null; head -c1 /dev/zero | wc -c; mknod /tmp/n c 1 8 && head -c1 /tmp/n | wc -c",
        {
            "linux.resources": {
                "devices": [
                    {"allow": False, "access": "rwm"},
                    {"allow": True, "type": "c", "major": 1, "minor": 3, "access": "rw"},
                ]
            },
            "root.readonly": False,
            "process.capabilities": {kind: ["CAP_MKNOD"] for kind in ("bounding", "permitted", "effective")},
        },
    ),
    "seccomp errno": (
        "mkdir /tmp/d; chmod 700 /etc/passwd; kill -USR1 $$; kill -0 $$",
        {"linux.seccomp": SECCOMP, "root.readonly": False},
    ),
    "seccomp kill": ("hostname x; echo $?", {"linux.seccomp": SECCOMP}),
    "seccomp in status": ("grep ^Seccomp: /proc/self/status", {"linux.seccomp": SECCOMP}),
    "seccomp without no_new_privs": (
        "grep -E '^(Seccomp:|NoNew)' /proc/self/status",
        {"linux.seccomp": SECCOMP, "process.noNewPrivileges": False},
    ),
    "seccomp, unknown calls": (
        "true",
        {
            "linux.seccomp": {
                "defaultAction": "SCMP_ACT_ALLOW",
                "syscalls": [{"names": ["no_such_call"], "action": "SCMP_ACT_ERRNO"}],
            }
        },
    ),
    "seccomp, unknown action": ("true", {"linux.seccomp": {"defaultAction": "SCMP_ACT_NONE"}}),
    "propagation shared": (
        "grep ' / / \\| /tmp/' /proc/self/mountinfo | wc -l",
        {"linux.rootfsPropagation": "shared"},
    ),
    "propagation slave": ("true", {"linux.rootfsPropagation": "rslave"}),
    "propagation unknown": ("true", {"linux.rootfsPropagation": "sideways"}),
    "writable root": ("touch /new && ls -n /new | cut -c1-10", {"root.readonly": False}),
    "process label without a module": ("true", {"process.apparmorProfile": "no-such-profile"}),
    "command line": (
        "true",
        {"process.args": ["sh", "-c", "echo $0-$1; tr '\\0' ' ' < /proc/self/cmdline", "a b", ""]},
    ),
    "user namespace": (
        "id; cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; grep ^Cap /proc/self/status; "
        "ls -ldn /proc/1 | cut -d' ' -f1-9; ls -ln /dev | awk '{print $1,$3,$4,$NF}' | grep -v -E 'total|mqueue'",
        {
            "linux.namespaces": [{"type": t} for t in ("mount", "pid", "uts", "ipc", "network", "user")],
            "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
            "linux.gidMappings": [{"containerID": 0, "hostID": 200000, "size": 65536}],
        },
    ),
    "user namespace without a map": (
        "id",
        {"linux.namespaces": [{"type": t} for t in ("mount", "pid", "user")], "hostname": None},
    ),
}

REFUSED = {
    "working directory that is a file",
    "broken environment",
    "unknown limit",
    "hostname without a namespace",
    "sysctl of the host",
    "seccomp, unknown action",
    "propagation unknown",
    "process label without a module",
    "user namespace without a map",
}
"""What a runtime refuses: exit code 1, and the program has not run."""
