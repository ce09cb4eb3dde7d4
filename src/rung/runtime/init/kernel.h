/* Linux as rung-init needs it, on any of the C libraries it is built with.
 *
 * Only <linux/...> headers are used for what is newer than the oldest libc here
 * (Debian 12, Ubuntu 22.04), and constants newer than those are given below. The
 * numbers of system calls above 423 are the same on every architecture.
 */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

_Static_assert(sizeof(long) == 8, "rung-init is for 64-bit kernels");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "plans are little-endian");

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef SYS_clone3
#define SYS_clone3 435
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif

#ifndef AT_EMPTY_PATH
#define AT_EMPTY_PATH 0x1000
#endif
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif
#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC 4
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#ifndef CLONE_INTO_CGROUP
#define CLONE_INTO_CGROUP 0x200000000ULL
#endif
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif
#ifndef MFD_EXEC
#define MFD_EXEC 0x10U
#endif
#ifndef STATX_MNT_ID
#define STATX_MNT_ID 0x1000U
#endif
#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

#define WAIT_PIDFD 3 /* waitid's P_PIDFD, an enum or missing */
#define PROC_MAGIC 0x9fa0
#define PROC_ROOT_INODE 1
#define DEVPTS_MAGIC 0x1cd1

/* mount_setattr's argument under a name no C library takes. */
struct mount_words {
    uint64_t set, clear, propagation, userns_fd;
};

/* statx's result where all that matters is the mount (stx_mnt_id), a field that C libraries are late with. */
struct mount_of {
    unsigned char before[144];
    uint64_t id;
    unsigned char after[104];
};
_Static_assert(sizeof(struct mount_of) == 256, "statx(2)");
