/* The floor: what the kernel itself asks for the container of a default `runc spec`.
 *
 * floor ROOTFS PROGRAM: the same namespaces (pid, network, ipc, uts, mount; cgroup on v2), the same
 * mounts, device nodes, links, masked and read-only paths, pivot_root and exec of PROGRAM, by one
 * static program with everything compiled in. It checks no input, is no runtime and keeps no state;
 * nothing with the same result can be expected to cost less. Its exit status is the program's. */

#define _GNU_SOURCE
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))
#define NODEV_NOEXEC (MS_NOSUID | MS_NOEXEC | MS_NODEV)

static const struct { const char *type, *at; unsigned long flags; const char *data; } mounts[] = {
    {"proc", "proc", 0, NULL},
    {"tmpfs", "dev", MS_NOSUID | MS_STRICTATIME, "mode=755,size=65536k"},
    {"devpts", "dev/pts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620,gid=5"},
    {"tmpfs", "dev/shm", NODEV_NOEXEC, "mode=1777,size=65536k"},
    {"mqueue", "dev/mqueue", NODEV_NOEXEC, NULL},
    {"sysfs", "sys", NODEV_NOEXEC | MS_RDONLY, NULL},
};

static const struct { const char *path; int major, minor; } nodes[] = {
    {"dev/null", 1, 3}, {"dev/zero", 1, 5}, {"dev/full", 1, 7},
    {"dev/random", 1, 8}, {"dev/urandom", 1, 9}, {"dev/tty", 5, 0},
};

static const struct { const char *path, *target; } links[] = {
    {"dev/ptmx", "pts/ptmx"}, {"dev/fd", "/proc/self/fd"}, {"dev/stdin", "/proc/self/fd/0"},
    {"dev/stdout", "/proc/self/fd/1"}, {"dev/stderr", "/proc/self/fd/2"}, {"dev/core", "/proc/kcore"},
};

static const char *const masked[] = {
    "/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
    "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware", "/proc/scsi",
};

static const char *const readonly[] = {
    "/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger",
};

static const char *const v1[] = {
    "cpu", "cpuacct", "cpu,cpuacct", "cpuset", "memory", "devices", "freezer", "blkio", "pids",
    "net_cls", "net_prio", "net_cls,net_prio", "perf_event", "hugetlb", "systemd",
};

static void do_mount(const char *from, const char *at, const char *type, unsigned long flags,
                     const char *data)
{
    if (mount(from, at, type, flags, data))
        err(1, "mount %s", at);
}

static void bind_readonly(const char *from, const char *at, unsigned long flags)
{
    do_mount(from, at, NULL, MS_BIND | MS_REC, NULL);
    do_mount(NULL, at, NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | flags, NULL);
}

static void mount_cgroups(int unified)
{
    char from[64], at[64];
    if (unified) {
        do_mount("cgroup", "sys/fs/cgroup", "cgroup2", NODEV_NOEXEC | MS_RDONLY, NULL);
        return;
    }
    do_mount("tmpfs", "sys/fs/cgroup", "tmpfs", NODEV_NOEXEC, "mode=755");
    for (size_t i = 0; i < COUNT(v1); i++) {
        snprintf(from, sizeof from, "/sys/fs/cgroup/%s", v1[i]);
        snprintf(at, sizeof at, "sys/fs/cgroup/%s", v1[i]);
        if (access(from, F_OK))
            continue;
        mkdir(at, 0755);
        bind_readonly(from, at, NODEV_NOEXEC);
    }
}

static void make_root(const char *root, int unified)
{
    do_mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL);
    do_mount(root, root, NULL, MS_BIND | MS_REC, NULL);
    if (chdir(root))
        err(1, "%s", root);
    for (size_t i = 0; i < COUNT(mounts); i++) {
        mkdir(mounts[i].at, 0755);
        do_mount(mounts[i].type, mounts[i].at, mounts[i].type, mounts[i].flags, mounts[i].data);
    }
    mount_cgroups(unified);
    for (size_t i = 0; i < COUNT(nodes); i++)
        if (mknod(nodes[i].path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)))
            err(1, "%s", nodes[i].path);
    for (size_t i = 0; i < COUNT(links); i++)
        if (symlink(links[i].target, links[i].path))
            err(1, "%s", links[i].path);
    if (syscall(SYS_pivot_root, ".", ".") || umount2(".", MNT_DETACH))
        err(1, "pivot_root");
}

static void close_paths(void)
{
    struct stat is;
    for (size_t i = 0; i < COUNT(readonly); i++)
        if (access(readonly[i], F_OK) == 0)
            bind_readonly(readonly[i], readonly[i], 0);
    for (size_t i = 0; i < COUNT(masked); i++) {
        if (stat(masked[i], &is))
            continue;
        if (S_ISDIR(is.st_mode))
            do_mount("tmpfs", masked[i], "tmpfs", MS_RDONLY, NULL);
        else
            do_mount("/dev/null", masked[i], NULL, MS_BIND, NULL);
    }
}

int main(int argc, char **argv)
{
    int status, unified = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
    if (argc < 3)
        errx(1, "usage: floor ROOTFS PROGRAM");
    unsigned long spaces = CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS;
    if (unified)
        spaces |= CLONE_NEWCGROUP;
    pid_t child = (pid_t)syscall(SYS_clone, spaces | SIGCHLD, NULL, NULL, NULL, 0UL);
    if (child < 0)
        err(1, "clone");
    if (child == 0) {
        make_root(argv[1], unified);
        close_paths();
        do_mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY, NULL);
        if (sethostname("floor", 5))
            err(1, "sethostname");
        execv(argv[2], argv + 2);
        err(127, "%s", argv[2]);
    }
    while (waitpid(child, &status, 0) < 0)
        if (errno != EINTR)
            err(1, "waitpid");
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
