"""What ``buildah run`` is asked to do, as data: options of ``from``, options of ``run``, and a command.

The image is busybox; ``FOLDER`` stands for a host folder with a file ``file`` in it.
"""

from __future__ import annotations

from .docker_runs import MOUNTS, STATUS, sh

RUNS: dict[str, tuple[list[str], list[str], list[str]]] = {
    "exit 0": ([], [], ["true"]),
    "exit 3": ([], [], sh("exit 3")),
    "no such program": ([], [], ["/no/such"]),
    "not executable": ([], [], ["/etc/passwd"]),
    "killed": ([], [], sh("kill -KILL $$")),
    "streams": ([], [], sh("echo out; echo err >&2")),
    "much output": ([], [], sh("yes 0123456789 | head -c 3000000 | md5sum; yes abcdefg | head -c 200000")),
    "environment": ([], ["-e", "A=1", "-e", "B=two words", "--hostname", "h"], sh("env | sort")),
    "user": ([], ["--user", "1000:29"], sh("id; " + STATUS)),
    "user by name": ([], ["--user", "user"], sh("id; echo $HOME")),
    "unknown user": ([], ["--user", "nobody-known"], ["id"]),
    "groups": (["--group-add", "777"], [], sh("id -G")),
    "working directory": ([], ["--workingdir", "/etc"], ["pwd"]),
    "working directory to be made": ([], ["--workingdir", "/a/b"], ["pwd"]),
    "status": ([], [], sh(STATUS)),
    "mounts": ([], [], sh(MOUNTS)),
    "device nodes": ([], [], sh("ls -ln /dev | awk '{print $1, $3, $4, $NF}' | grep -v ^total")),
    "limits": (["--ulimit", "core=0", "--ulimit", "stack=4000000:8000000"], [], ["cat", "/proc/self/limits"]),
    "namespaces": ([], [], sh("ls /proc/self/ns; ps -o pid,args | head -2; ls /sys/class/net")),
    "memory": (["-m", "32m"], [], sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes")),
    "memory and swap": (
        ["-m", "32m", "--memory-swap", "64m"],
        [],
        sh("cat /sys/fs/cgroup/memory/memory.memsw.limit_in_bytes; cat /sys/fs/cgroup/memory/memory.limit_in_bytes"),
    ),
    "memory that runs out": (["-m", "16m", "--memory-swap", "16m"], [], ["tail", "/dev/zero"]),
    "cpus": (
        ["--cpu-period", "50000", "--cpu-quota", "25000", "-c", "300", "--cpuset-cpus", "0"],
        [],
        sh("cd /sys/fs/cgroup/cpu; cat cpu.cfs_quota_us cpu.shares; grep Cpus_allowed_list /proc/self/status"),
    ),
    "no capabilities": ([], ["--cap-drop", "ALL"], sh("grep ^Cap /proc/self/status; chown 1 /etc/group")),
    "one capability": (
        [],
        ["--cap-drop", "ALL", "--cap-add", "CHOWN"],
        sh("grep ^Cap /proc/self/status; chown 1 /etc/group && echo done"),
    ),
    "another capability": ([], ["--cap-add", "SYS_ADMIN"], sh("grep ^Cap /proc/self/status; hostname x && hostname")),
    "default filter": ([], [], sh("unshare -U true; mount -t tmpfs t /tmp; grep Seccomp: /proc/self/status")),
    "no filter": (
        ["--security-opt", "seccomp=unconfined"],
        [],
        sh("grep Seccomp: /proc/self/status; unshare -U true && echo unshared"),
    ),
    "filter of one's own": (
        ["--security-opt", "seccomp=FOLDER/filter.json"],
        [],
        sh("mkdir /tmp/d; grep Seccomp: /proc/self/status"),
    ),
    "masked": (
        [],
        [],
        sh("wc -c < /proc/keys; ls /sys/firmware; touch /proc/sys/kernel/hostname; echo x > /proc/sysrq-trigger"),
    ),
    "volume": ([], ["-v", "FOLDER:/v"], sh("cat /v/file; echo more > /v/new && cat /v/new; rm /v/new")),
    "volume read-only": ([], ["-v", "FOLDER:/v:ro,z"], sh("cat /v/file; touch /v/new")),
    "volume of the container": (["-v", "FOLDER:/v:ro"], [], sh("cat /v/file; touch /v/new")),
    "volume as an overlay": ([], ["-v", "FOLDER:/v:O"], sh("echo new > /v/file; cat /v/file")),
    "bind": (
        [],
        ["--mount", "type=bind,src=FOLDER,dst=/v,bind-propagation=rslave,ro"],
        sh("grep ' /v ' /proc/mounts | cut -d' ' -f4; cat /v/file"),
    ),
    "tmpfs": (
        [],
        ["--mount", "type=tmpfs,dst=/t,tmpfs-size=2m,tmpfs-mode=1700"],
        sh("grep ' /t ' /proc/mounts; stat -c %a /t"),
    ),
    "cache": ([], ["--mount", "type=cache,target=/c,id=ID"], sh("touch /c/x && ls /c")),
    "shared memory": (["--shm-size", "5m"], [], sh("df /dev/shm | tail -1 | awk '{print $2}'")),
    "hostname": ([], ["--hostname", "a.name"], sh("hostname; cat /etc/hostname")),
    "host's name": ([], ["--uts", "host", "--no-hostname"], sh("[ $(hostname) ] && echo named")),
    "hosts and resolver": (
        ["--add-host", "other:10.1.2.3", "--dns", "10.9.9.9"],
        [],
        sh("grep other /etc/hosts; grep nameserver /etc/resolv.conf"),
    ),
    "no hosts file": ([], ["--no-hosts"], sh("cat /etc/hosts")),
    "host's processes": ([], ["--pid", "host", "--network", "host"], sh("[ $$ -gt 1 ] && ls -d /proc/1/root | wc -l")),
    "host's ipc": ([], ["--ipc", "host"], sh("grep -c /dev/shm /proc/mounts")),
    "host's network": ([], ["--network", "host"], sh("ls /sys/class/net")),
    "private cgroup namespace": ([], ["--cgroupns", "private"], sh("cat /proc/self/cgroup; ls /sys/fs/cgroup")),
    "host's cgroup namespace": ([], ["--cgroupns", "host"], sh("grep -c buildah /proc/self/cgroup")),
    "device": (
        [],
        ["--device", "/dev/null:/dev/other:rm"],
        sh("ls -ln /dev/other | awk '{print $1, $5, $6}'; head -c1 /dev/other | wc -c"),
    ),
    "no pivot": ([], ["--no-pivot"], sh("ls /; grep -c ' / ' /proc/self/mountinfo")),
    "user ids mapped": (
        ["--userns-uid-map", "0:200000:5000", "--userns-gid-map", "0:300000:5000"],
        [],
        sh("cat /proc/self/uid_map /proc/self/gid_map; id; touch /tmp/x; stat -c %u:%g /tmp/x"),
    ),
    "user ids mapped, another user": (
        ["--userns-uid-map", "0:200000:5000", "--userns-gid-map", "0:300000:5000"],
        ["--user", "7:8"],
        sh("id; " + STATUS),
    ),
    "user ids mapped, volume": (
        ["--userns-uid-map", "0:200000:5000", "--userns-gid-map", "0:300000:5000"],
        ["-v", "FOLDER:/v:ro"],
        sh("cat /v/file; stat -c %u:%g /v/file"),
    ),
    "session": ([], [], sh("awk '{print $1, $4, $5, $6, $7, $8}' /proc/1/stat")),
    "open files": ([], [], sh("set -- /proc/1/fd/*; echo $#")),  # no pipe, which the shell has too for a moment
}
