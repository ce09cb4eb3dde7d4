"""What ``docker run`` is asked to do, as data: options and a command, for two runtimes.

The image is busybox; ``FOLDER`` stands for a host folder with a file ``file`` in it.
"""

from __future__ import annotations

STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:|Sig[BIC]|Groups)' /proc/self/status"
MOUNTS = (
    "sed 's/ - \\([^ ]*\\) .*/ \\1/' /proc/self/mountinfo | cut -d' ' -f5- "
    "| grep -v '^/proc/interrupts ' | sed -E 's#^(/proc/acpi|/proc/scsi|/sys/firmware|/sys/fs/cgroup) .*#\\1#' | sort"
)
"""Place, options, propagation and type; without what only newer Dockers hide. Where runc lays a looser tmpfs of its own, the place alone."""


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


RUNS: dict[str, tuple[list[str], list[str]]] = {
    "exit 0": ([], ["true"]),
    "exit 3": ([], sh("exit 3")),
    "no such program": ([], ["/no/such"]),
    "not in the path": ([], ["no-such-program"]),
    "not executable": ([], ["/etc/passwd"]),
    "a directory": ([], ["/bin"]),
    "killed": (["--init"], sh("kill -KILL $$")),
    "streams": ([], sh("echo out; echo err >&2")),
    "much output": ([], sh("yes 0123456789 | head -c 3000000 | md5sum; yes abcdefg | head -c 200000")),
    "environment": (["-e", "A=1", "-e", "B=two words", "--hostname", "h"], sh("env | sort")),
    "user": (["-u", "1000:29"], sh("id; echo $HOME; " + STATUS)),
    "user by name": (["-u", "user"], sh("id; echo $HOME")),
    "unknown user": (["-u", "nobody-known"], ["id"]),
    "groups": (["--group-add", "audio", "--group-add", "777"], ["id"]),
    "working directory": (["-w", "/etc"], ["pwd"]),
    "working directory to be made": (["-w", "/a/b"], ["pwd"]),
    "entry point": (["--entrypoint", "echo"], ["entered"]),
    "status": ([], sh(STATUS)),
    "mounts": ([], sh(MOUNTS)),
    "device nodes": ([], sh("ls -ln /dev | awk '{print $1, $3, $4, $NF}' | grep -v ^total")),
    "limits": ([], ["cat", "/proc/self/limits"]),
    "namespaces": ([], sh("ls /proc/self/ns; ps -o pid,args | head -2; ls /sys/class/net")),
    "memory": (
        ["-m", "32m"],
        sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"),
    ),
    "memory and swap": (["-m", "32m", "--memory-swap", "64m", "--memory-reservation", "16m"], sh("exit 0")),
    "cpus": (["--cpus", "0.5"], sh("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max")),
    "cpu shares and set": (
        ["-c", "300", "--cpuset-cpus", "0"],
        sh(
            "cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight; grep Cpus_allowed_list /proc/self/status"
        ),
    ),
    "processes": (
        ["--pids-limit", "10"],
        sh("cat /sys/fs/cgroup/pids/pids.max /sys/fs/cgroup/pids.max; for i in $(seq 12); do sleep 9 & done"),
    ),
    "out-of-memory score": (["--oom-score-adj", "300"], ["cat", "/proc/self/oom_score_adj"]),
    "read-only": (["--read-only"], sh("touch /x; touch /etc/x; touch /dev/shm/x && echo shm")),
    "read-only with tmpfs": (
        ["--read-only", "--tmpfs", "/t:size=1m,mode=1777", "--tmpfs", "/u:exec"],
        sh("touch /t/x && echo made; grep -E ' /(t|u) ' /proc/mounts | sort; touch /x"),
    ),
    "volume": (["-v", "FOLDER:/v"], sh("cat /v/file && echo more > /v/new && cat /v/new; rm /v/new")),
    "volume read-only": (["-v", "FOLDER:/v:ro"], sh("cat /v/file; touch /v/new")),
    "volume of one file": (
        ["-v", "FOLDER/file:/etc/passwd:ro"],
        sh("cat /etc/passwd; grep passwd /proc/mounts | cut -d' ' -f4"),
    ),
    "volume of the engine": (["-v", "/data"], sh("touch /data/x && ls /data")),
    "volume over content": (["-v", "/etc"], sh("cat /etc/group | head -1")),
    "mount with propagation": (
        ["--mount", "type=bind,src=FOLDER,dst=/v,bind-propagation=rprivate,readonly"],
        sh("grep ' /v ' /proc/mounts | cut -d' ' -f4; cat /v/file"),
    ),
    "volume that is not there": (["--mount", "type=bind,src=/no/such,dst=/v"], ["true"]),
    "no capabilities": (["--cap-drop", "ALL"], sh("grep ^Cap /proc/self/status; chown 1 /etc/group")),
    "one capability": (
        ["--cap-drop", "ALL", "--cap-add", "CHOWN"],
        sh("grep ^Cap /proc/self/status; chown 1 /etc/group && echo done"),
    ),
    "another capability": (
        ["--cap-add", "SYS_ADMIN", "--cap-add", "NET_ADMIN"],
        sh("grep ^Cap /proc/self/status; hostname x && hostname"),
    ),
    "privileged": (
        ["--privileged"],
        sh(
            "grep -E '^(Cap|Seccomp:)' /proc/self/status; mount -t tmpfs t /mnt 2>&1; "
            + MOUNTS
            + "; ls /dev | grep -c ."
        ),
    ),
    "no new privileges": (["--security-opt", "no-new-privileges"], sh("grep NoNew /proc/self/status")),
    "default filter": (
        [],
        sh("unshare -U true; unshare -m true; mount -t tmpfs t /tmp; grep Seccomp: /proc/self/status"),
    ),
    "no filter": (
        ["--security-opt", "seccomp=unconfined"],
        sh("grep Seccomp: /proc/self/status; unshare -U true && echo unshared"),
    ),
    "filter of one's own": (
        ["--security-opt", "seccomp=FOLDER/filter.json"],
        sh("mkdir /tmp/d; grep Seccomp: /proc/self/status"),
    ),
    "masked": (
        [],
        sh(
            "head -c1 /proc/kcore | wc -c; wc -c /proc/keys; ls /sys/firmware; "
            "touch /proc/sys/kernel/hostname; echo x > /proc/sysrq-trigger"
        ),
    ),
    "unmasked": (
        ["--security-opt", "systempaths=unconfined"],
        sh("ls /sys/firmware | wc -l; grep -c proc/ /proc/self/mountinfo"),
    ),
    "init": (["--init"], sh("cat /proc/1/comm; exit 4")),
    "host's network": (["--network", "host"], sh("ls /sys/class/net | grep lo; hostname")),
    "hostname": (["-h", "a.name"], sh("hostname; cat /etc/hostname; grep -c a.name /etc/hosts")),
    "hosts and resolver": (
        ["--add-host", "other:10.1.2.3", "--dns", "10.9.9.9"],
        sh("grep other /etc/hosts; grep ^nameserver /etc/resolv.conf; ls -l /etc/hosts | cut -c1-10"),
    ),
    "host's names": (["--uts", "host"], sh("[ $(hostname) ] && echo named")),
    "host's processes": (["--pid", "host"], sh("[ $$ -gt 1 ] && ls -d /proc/1/root | wc -l")),
    "host's ipc": (["--ipc", "host"], sh("grep -c /dev/shm /proc/mounts")),
    "private ipc": (["--ipc", "private", "--shm-size", "5m"], sh("df /dev/shm | tail -1 | awk '{print $2}'")),
    "no ipc": (["--ipc", "none"], sh("grep -c /dev/shm /proc/mounts")),
    "private cgroup namespace": (["--cgroupns", "private"], sh("cat /proc/self/cgroup; ls /sys/fs/cgroup")),
    "limit": (["--ulimit", "nofile=100:200", "--ulimit", "core=0"], sh("ulimit -n; ulimit -Hn; ulimit -c")),
    "sysctl": (
        ["--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "kernel.msgmax=5000"],
        sh("cat /proc/sys/net/ipv4/ip_forward /proc/sys/kernel/msgmax"),
    ),
    "sysctl of the host": (["--sysctl", "fs.file-max=1000"], ["true"]),
    "device": (
        ["--device", "/dev/null:/dev/other:r"],
        sh("ls -ln /dev/other | awk '{print $1, $5, $6}'; head -c1 /dev/other | wc -c; echo x > /dev/other"),
    ),
    "device rule": (
        ["--device-cgroup-rule", "c 1:11 r"],
        sh("mknod /dev/k c 1 11 && head -c0 /dev/k && echo opened; mknod /tmp/m c 1 2; head -c1 /tmp/m"),
    ),
    "isolation of devices": (
        [],
        sh("mknod /tmp/d b 7 0; head -c1 /tmp/d; mknod /tmp/z c 1 5; head -c3 /tmp/z | wc -c"),
    ),
    "block weight": (["--blkio-weight", "300"], ["true"]),
    "cgroup": ([], sh("sed 's/[0-9a-f]\\{64\\}/ID/; s/rungconf-[^/]*/PLACE/' /proc/self/cgroup | cut -d: -f2-")),
    "session": ([], sh("awk '{print $1, $4, $5, $6, $7, $8}' /proc/1/stat")),
    "open files": ([], sh("ls /proc/1/fd")),
}

EXECS: dict[str, tuple[list[str], list[str]]] = {
    "exit 0": ([], ["true"]),
    "exit 5": ([], sh("exit 5")),
    "no such program": ([], ["/no/such"]),
    "not executable": ([], ["/etc/passwd"]),
    "environment": (["-e", "A=given"], sh("env | sort")),
    "user": (["-u", "1000:29"], sh("id; " + STATUS)),
    "working directory": (["-w", "/etc"], ["pwd"]),
    "working directory that is not there": (["-w", "/no/such"], ["pwd"]),
    "privileged": (["--privileged"], sh(STATUS)),
    "status": ([], sh(STATUS)),
    "killed": ([], sh("kill -KILL $$")),
    "processes": ([], sh("ps -o pid,args | head -2")),
    "cgroup": ([], sh("sed 's/[0-9a-f]\\{64\\}/ID/; s/rungconf-[^/]*/PLACE/' /proc/self/cgroup")),
    "session": ([], sh("awk '{print $4, ($1 == $5), ($1 == $6), $7}' /proc/$$/stat")),
    "streams": ([], sh("echo out; echo err >&2")),
}
