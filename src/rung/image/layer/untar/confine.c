/* Why an archive cannot reach outside, whatever the code that reads it does.
 *
 * 1. A mount namespace of its own, in which the layer's directory is the root and the only mount:
 *    there is no name for anything else (CVE-2018-15664, CVE-2019-14271, CVE-2021-30465, tar-slip), and no
 *    /proc with magic links. Where a mount namespace is refused (root in a container without
 *    CAP_SYS_ADMIN), chroot alone; no descriptor of a directory outside is open then either.
 * 2. Capabilities: only those that making files needs. CAP_SYS_ADMIN is one of them (trusted.* attributes),
 *    so:
 * 3. a filter lets only the calls through that unpacking makes; mount, setns, ptrace, sockets and all others kill
 *    the process.
 */
#include "confine.h"

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/mount.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "say which architecture the filter is for"
#endif

static _Noreturn void cannot(const char *what)
{
    fail_store("unpack", (struct text){what, strlen(what)}, errno);
}

static bool enter_namespace(void)
{
    /* First: a mount of the namespace that is left cannot be copied from within the new one. */
    int tree = (int)syscall(SYS_open_tree, TARGET_FD, "", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH);
    if (tree < 0 || unshare(CLONE_NEWNS) < 0)
        return false;
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        cannot("make mounts private");
    if (syscall(SYS_move_mount, tree, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) < 0)
        cannot("mount the layer's directory");
    if (fchdir(tree) < 0)
        cannot("enter the layer's directory");
    if (syscall(SYS_pivot_root, ".", ".") == 0) {
        if (umount2(".", MNT_DETACH) < 0)
            cannot("leave the old root");
    } else if (chroot(".") < 0) /* on an initramfs, whose root cannot be changed */
        cannot("change the root");
    if (chdir("/") < 0 || dup3(tree, TARGET_FD, O_CLOEXEC) < 0)
        cannot("enter the root");
    close(tree);
    return true;
}

static void keep_capabilities(uint64_t kept)
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[2];
    if (syscall(SYS_capget, &header, sets) < 0)
        cannot("read capabilities");
    for (int i = 0; i < 2; i++) {
        uint32_t mask = (uint32_t)(kept >> 32 * i);
        sets[i].effective &= mask;
        sets[i].permitted &= mask;
        sets[i].inheritable = 0;
    }
    if (syscall(SYS_capset, &header, sets) < 0)
        cannot("give up capabilities");
}

static void allow_only(const int *calls, size_t count)
{
    struct sock_filter filter[80];
    size_t at = 0;
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch));
    filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < count; i++)
        filter[at++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)calls[i], (uint8_t)(count - i), 0);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS);
    filter[at++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    struct sock_fprog program = {(unsigned short)at, filter};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
        cannot("filter system calls");
}

#define ALWAYS \
    SYS_read, SYS_pread64, SYS_write, SYS_writev, SYS_pwrite64, SYS_brk, SYS_mmap, SYS_munmap, SYS_mremap, SYS_close, \
        SYS_getrandom, SYS_futex, SYS_getpid, SYS_gettid, SYS_exit, SYS_exit_group, SYS_restart_syscall, SYS_rt_sigreturn, SYS_tgkill, \
        SYS_rt_sigprocmask, SYS_rt_sigaction, SYS_madvise

/* What the caller had open and did not mark to be closed: a directory among it would be a way out. */
static void close_others(void)
{
    if (syscall(SYS_close_range, TARGET_FD + 1, ~0u, 0) == 0)
        return;
    for (int fd = TARGET_FD + 1; fd < 65536; fd++) /* before 5.9 */
        close(fd);
}

void confine_to_target(void)
{
    static const int calls[] = {
        ALWAYS,        SYS_openat,     SYS_openat2,   SYS_newfstatat, SYS_fstat, SYS_mkdirat,  SYS_mknodat, SYS_symlinkat,
        SYS_linkat,    SYS_unlinkat,   SYS_fchownat,  SYS_fchown,     SYS_fchmodat, SYS_fchmod,  SYS_utimensat,
        SYS_fsetxattr, SYS_lsetxattr,  SYS_setxattr,  SYS_fchdir,     SYS_lseek,    SYS_ftruncate, SYS_splice,
    };
    close_others();
    if (!enter_namespace() && (fchdir(TARGET_FD) < 0 || chroot(".") < 0))
        cannot("change the root");
    keep_capabilities(1u << CAP_CHOWN | 1u << CAP_DAC_OVERRIDE | 1u << CAP_DAC_READ_SEARCH | 1u << CAP_FOWNER |
                      1u << CAP_FSETID | 1u << CAP_MKNOD | 1u << CAP_SYS_ADMIN | (uint64_t)1 << CAP_SETFCAP);
    allow_only(calls, sizeof calls / sizeof *calls);
}

void confine_to_descriptors(void)
{
    static const int calls[] = {ALWAYS};
    close_others();
    keep_capabilities(0);
    allow_only(calls, sizeof calls / sizeof *calls);
}
