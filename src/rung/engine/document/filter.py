"""Docker's default filter of system calls, and profiles in Docker's form, as the runtime's seccomp object.

Docker's documentation ("Seccomp security profiles for Docker") describes the default: what is not allowed fails with
EPERM; some calls are allowed with a capability, some with certain arguments only. A profile's rules may hold for
capabilities, architectures and kernels (``includes``, ``excludes``), which are resolved here.
"""

from __future__ import annotations

import os

from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

_ALLOW, _ERRNO = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"
_EPERM, _ENOSYS = 1, 38
#: CLONE_NEW*: what a container without CAP_SYS_ADMIN must not make, in clone's flags.
_NEW_NAMESPACES = 0x7E020000
#: AF_ALG (38) reaches the kernel's crypto and AF_VSOCK (40) the hypervisor: no business of a container's.
_BARRED_FAMILIES = (38, 40)
#: Persons that a process may be: Linux, and 32 bits, each also with a fixed address space; and asking which one it is.
_PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)

ALWAYS = """
    _llseek _newselect accept accept4 access adjtimex alarm bind brk cachestat capget capset chdir chmod
    chown chown32 clock_adjtime clock_adjtime64 clock_getres clock_getres_time64 clock_gettime
    clock_gettime64 clock_nanosleep clock_nanosleep_time64 close close_range connect copy_file_range creat
    dup dup2 dup3 epoll_create epoll_create1 epoll_ctl epoll_ctl_old epoll_pwait epoll_pwait2 epoll_wait
    epoll_wait_old eventfd eventfd2 execve execveat exit exit_group faccessat faccessat2 fadvise64
    fadvise64_64 fallocate fanotify_mark fchdir fchmod fchmodat fchmodat2 fchown fchown32 fchownat fcntl
    fcntl64 fdatasync fgetxattr flistxattr flock fork fremovexattr fsetxattr fstat fstat64 fstatat64 fstatfs
    fstatfs64 fsync ftruncate ftruncate64 futex futex_requeue futex_time64 futex_wait futex_waitv futex_wake
    futimesat get_robust_list get_thread_area getcpu getcwd getdents getdents64 getegid getegid32 geteuid
    geteuid32 getgid getgid32 getgroups getgroups32 getitimer getpeername getpgid getpgrp getpid getppid
    getpriority getrandom getresgid getresgid32 getresuid getresuid32 getrlimit getrusage getsid getsockname
    getsockopt gettid gettimeofday getuid getuid32 getxattr getxattrat inotify_add_watch inotify_init
    inotify_init1 inotify_rm_watch io_cancel io_destroy io_getevents io_pgetevents io_pgetevents_time64
    io_setup io_submit ioctl ioprio_get ioprio_set ipc kill landlock_add_rule landlock_create_ruleset
    landlock_restrict_self lchown lchown32 lgetxattr link linkat listen listmount listxattr listxattrat
    llistxattr lremovexattr lseek lsetxattr lstat lstat64 madvise map_shadow_stack membarrier memfd_create
    memfd_secret mincore mkdir mkdirat mknod mknodat mlock mlock2 mlockall mmap mmap2 mprotect mq_getsetattr
    mq_notify mq_open mq_timedreceive mq_timedreceive_time64 mq_timedsend mq_timedsend_time64 mq_unlink
    mremap mseal msgctl msgget msgrcv msgsnd msync munlock munlockall munmap name_to_handle_at nanosleep
    newfstatat open openat openat2 pause pidfd_open pidfd_send_signal pipe pipe2 pkey_alloc pkey_free
    pkey_mprotect poll ppoll ppoll_time64 prctl pread64 preadv preadv2 prlimit64 process_mrelease
    process_vm_readv process_vm_writev pselect6 pselect6_time64 ptrace pwrite64 pwritev pwritev2 read
    readahead readlink readlinkat readv recv recvfrom recvmmsg recvmmsg_time64 recvmsg remap_file_pages
    removexattr removexattrat rename renameat renameat2 restart_syscall riscv_hwprobe rmdir rseq
    rt_sigaction rt_sigpending rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait
    rt_sigtimedwait_time64 rt_tgsigqueueinfo sched_get_priority_max sched_get_priority_min sched_getaffinity
    sched_getattr sched_getparam sched_getscheduler sched_rr_get_interval sched_rr_get_interval_time64
    sched_setaffinity sched_setattr sched_setparam sched_setscheduler sched_yield seccomp select semctl
    semget semop semtimedop semtimedop_time64 send sendfile sendfile64 sendmmsg sendmsg sendto
    set_robust_list set_thread_area set_tid_address setfsgid setfsgid32 setfsuid setfsuid32 setgid setgid32
    setgroups setgroups32 setitimer setpgid setpriority setregid setregid32 setresgid setresgid32 setresuid
    setresuid32 setreuid setreuid32 setrlimit setsid setsockopt setuid setuid32 setxattr setxattrat shmat
    shmctl shmdt shmget shutdown sigaltstack signalfd signalfd4 sigprocmask sigreturn socketcall socketpair
    splice stat stat64 statfs statfs64 statmount statx symlink symlinkat sync sync_file_range syncfs sysinfo
    tee tgkill time timer_create timer_delete timer_getoverrun timer_gettime timer_gettime64 timer_settime
    timer_settime64 timerfd_create timerfd_gettime timerfd_gettime64 timerfd_settime timerfd_settime64 times
    tkill truncate truncate64 ugetrlimit umask uname unlink unlinkat uretprobe utime utimensat
    utimensat_time64 utimes vfork vmsplice wait4 waitid waitpid write writev
""".split()
#: Calls that come with a capability.
WITH_CAPABILITY = {
    "CAP_DAC_READ_SEARCH": "open_by_handle_at",
    "CAP_SYS_ADMIN": (
        "bpf clone clone3 fanotify_init fsconfig fsmount fsopen fspick lookup_dcookie lsm_get_self_attr "
        "lsm_list_modules lsm_set_self_attr mount mount_setattr move_mount open_tree perf_event_open "
        "quotactl quotactl_fd setdomainname sethostname setns syslog umount umount2 unshare"
    ),
    "CAP_SYS_BOOT": "reboot",
    "CAP_SYS_CHROOT": "chroot",
    "CAP_SYS_MODULE": "delete_module finit_module init_module",
    "CAP_SYS_PACCT": "acct",
    "CAP_SYS_PTRACE": "kcmp pidfd_getfd process_madvise process_vm_readv process_vm_writev ptrace",
    "CAP_SYS_RAWIO": "ioperm iopl",
    "CAP_SYS_TIME": "clock_settime clock_settime64 settimeofday stime",
    "CAP_SYS_TTY_CONFIG": "vhangup",
    "CAP_SYS_NICE": "get_mempolicy mbind set_mempolicy set_mempolicy_home_node",
    "CAP_SYSLOG": "syslog",
    "CAP_BPF": "bpf",
    "CAP_PERFMON": "perf_event_open",
}
#: Calls of one architecture, by the machine's name as uname(2) has it.
OF_MACHINE = {
    "x86_64": "arch_prctl modify_ldt",
    "i686": "modify_ldt",
    "aarch64": "arm_fadvise64_64 arm_sync_file_range breakpoint cacheflush set_tls sync_file_range2",
    "ppc64le": "swapcontext sync_file_range2",
    "s390x": "s390_pci_mmio_read s390_pci_mmio_write s390_runtime_instr",
    "riscv64": "riscv_flush_icache",
}
#: Go's and libseccomp's names of a machine, and the architectures that its kernel runs beside its own.
_MACHINES = {
    "x86_64": ("amd64", "SCMP_ARCH_X86_64", ("SCMP_ARCH_X86", "SCMP_ARCH_X32")),
    "aarch64": ("arm64", "SCMP_ARCH_AARCH64", ("SCMP_ARCH_ARM",)),
    "ppc64le": ("ppc64le", "SCMP_ARCH_PPC64LE", ()),
    "s390x": ("s390x", "SCMP_ARCH_S390X", ("SCMP_ARCH_S390",)),
    "riscv64": ("riscv64", "SCMP_ARCH_RISCV64", ()),
    "loongarch64": ("loong64", "SCMP_ARCH_LOONGARCH64", ()),
}


def default_filter(capabilities: Sequence[str]) -> dict[str, Any]:
    """config-linux.md#seccomp, for a container with these capabilities on this machine."""
    machine = os.uname().machine
    names = [*ALWAYS, *OF_MACHINE.get(machine, "").split()]
    for capability, more in WITH_CAPABILITY.items():
        if capability in capabilities:
            names += more.split()
    rules: list[dict[str, Any]] = [{"names": sorted(set(names)), "action": _ALLOW}]
    rules += [_when("personality", 0, "SCMP_CMP_EQ", person) for person in _PERSONALITIES]
    rules += _families()
    if "CAP_SYS_ADMIN" not in capabilities:
        rules += _clone(machine)
    return {"defaultAction": _ERRNO, "defaultErrnoRet": _EPERM, "architectures": _architectures(), "syscalls": rules}


def _when(name: str, index: int, operator: str, value: int, value_two: int = 0) -> dict[str, Any]:
    argument = {"index": index, "value": value, "valueTwo": value_two, "op": operator}
    return {"names": [name], "action": _ALLOW, "args": [argument]}


def _families() -> list[dict[str, Any]]:
    """socket(2) for every family but the barred ones: below, between and above them."""
    first, last = _BARRED_FAMILIES
    between = [_when("socket", 0, "SCMP_CMP_EQ", family) for family in range(first + 1, last)]
    return [_when("socket", 0, "SCMP_CMP_LT", first), *between, _when("socket", 0, "SCMP_CMP_GT", last)]


def _clone(machine: str) -> list[dict[str, Any]]:
    """clone(2) without new namespaces; clone3's flags lie in memory, where no filter sees them, so a program is told
    that the kernel does not have it and takes clone."""
    flags = 1 if machine == "s390x" else 0
    return [
        _when("clone", flags, "SCMP_CMP_MASKED_EQ", _NEW_NAMESPACES, 0),
        {"names": ["clone3"], "action": _ERRNO, "errnoRet": _ENOSYS},
    ]


def _architectures() -> list[str]:
    _, own, others = _MACHINES.get(os.uname().machine, ("", "", ()))
    return [own, *others] if own else []


# --- profiles that come with a request -------------------------------------------------


def from_profile(profile: Mapping[str, Any], capabilities: Sequence[str]) -> dict[str, Any]:
    """A profile in Docker's form as the runtime's. Raises ``BadParameter``."""
    if not isinstance(profile, dict):
        raise BadParameter("Decoding seccomp profile failed: it is no JSON object")
    if profile.get("architectures") and profile.get("archMap"):
        raise BadParameter("use either 'architectures' or 'archMap'")
    found: dict[str, Any] = {"defaultAction": profile.get("defaultAction") or _ERRNO}
    for name in ("defaultErrnoRet", "flags", "listenerPath", "listenerMetadata"):
        if profile.get(name) is not None:
            found[name] = profile[name]
    found["architectures"] = list(profile.get("architectures") or _mapped(profile.get("archMap") or ()))
    rules = [rule for rule in profile.get("syscalls") or () if _holds(rule, capabilities)]
    found["syscalls"] = [_rule(rule) for rule in rules]
    return found


def _mapped(entries: Sequence[Mapping[str, Any]]) -> list[str]:
    _, own, _ = _MACHINES.get(os.uname().machine, ("", "", ()))
    for entry in entries:
        if entry.get("architecture") == own:
            return [own, *(entry.get("subArchitectures") or ())]
    return []


def _holds(rule: Mapping[str, Any], capabilities: Sequence[str]) -> bool:
    """Whether a rule is meant for this container on this machine."""
    include, exclude = rule.get("includes") or {}, rule.get("excludes") or {}
    arch = _MACHINES.get(os.uname().machine, ("",))[0]
    if include.get("arches") and arch not in include["arches"]:
        return False
    if arch in (exclude.get("arches") or ()):
        return False
    if not set(include.get("caps") or ()) <= set(capabilities):
        return False
    if set(exclude.get("caps") or ()) & set(capabilities):
        return False
    if include.get("minKernel") and _kernel() < _version(include["minKernel"]):
        return False
    return not (exclude.get("minKernel") and _kernel() >= _version(exclude["minKernel"]))


def _kernel() -> tuple[int, int]:
    return _version(os.uname().release)


def _version(text: str) -> tuple[int, int]:
    parts = [int("".join(filter(str.isdecimal, part)) or "0") for part in text.split("-", maxsplit=1)[0].split(".")[:2]]
    return parts[0], parts[1] if len(parts) > 1 else 0


def _rule(rule: Mapping[str, Any]) -> dict[str, Any]:
    names = list(rule.get("names") or ()) + ([rule["name"]] if rule.get("name") else [])
    if not names:
        raise BadParameter("a rule of the seccomp profile names no system call")
    found: dict[str, Any] = {"names": names, "action": rule.get("action") or _ALLOW}
    if rule.get("args"):
        found["args"] = list(rule["args"])
    if rule.get("errnoRet") is not None:
        found["errnoRet"] = rule["errnoRet"]
    return found
