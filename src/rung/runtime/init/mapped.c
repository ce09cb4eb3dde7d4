/* MakeUserns and MakeFs: mounts that show other owners than the file system has.
 *
 * The kernel takes an id mapping as a user namespace. One that exists for its mapping
 * alone needs a process for the moment in which it is made.
 */
#include "mapped.h"

#include "call.h"
#include "idmap.h"
#include "mount.h"
#include "slot.h"
#include <sys/prctl.h>
#include <sys/wait.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif

long idmap_set(int mount, int userns, bool recursive)
{
    struct mount_words words = {.set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)userns};
    return syscall(SYS_mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &words,
                   sizeof words);
}

void idmap_or_fail(int mount, uint64_t number, bool recursive, const char *dest, const char *source)
{
    struct mount_words words = {.set = MOUNT_ATTR_IDMAP, .userns_fd = (uint64_t)slot(number)};
    long r = call(mount_setattr, mount, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &words,
                  sizeof words);
    if (r < 0)
        idmap_failed((int)-r, dest, source);
}

void idmap_failed(int error, const char *dest, const char *source)
{
    if (error == EINVAL)
        FAIL(EINVAL, dest, ": id mapping of ", source, ": its file system takes none");
    FAIL(error, dest, ": id mapping of ", source);
}

/* The process lives until its namespace has been opened. */
static int process_in_new_userns(void)
{
    struct clone_args args = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
    int parent = getpid();
    int pid = (int)call(clone3, &args, sizeof args);
    if (pid < 0)
        FAIL(-pid, "a user namespace for an id mapping");
    if (pid == 0) {
        syscall(SYS_prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
        while (getppid() == parent) /* else it was killed before this could hear of it */
            syscall(SYS_ppoll, NULL, 0, NULL, NULL, 0);
        leave(1);
    }
    return pid;
}

static int open_userns(int pid)
{
    char path[64] = "/proc/";
    strcat(path, decimal(pid));
    strcat(path, "/ns/user");
    return (int)call(openat, AT_FDCWD, path, O_RDONLY | O_CLOEXEC);
}

void make_userns(const union argument *given)
{
    int pid = process_in_new_userns();
    map_ids(pid, &given[1].s, &given[2].s, false);
    int fd = open_userns(pid);
    call(kill, pid, SIGKILL);
    while (call(wait4, pid, NULL, 0, NULL) == -EINTR)
        ;
    if (fd < 0)
        FAIL(-fd, "a user namespace for an id mapping");
    slot_set(given[0].u, fd);
}

void make_fs(const union argument *given)
{
    const char *fstype = given[1].s.data;
    int mount = mount_with_options(fstype, fstype, given[2].s.data, given[3].l, given[4].u);
    idmap_or_fail(mount, given[5].u, false, fstype, given[2].s.data);
    slot_set(given[0].u, mount);
}
