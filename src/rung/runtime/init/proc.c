/* OpenProc and what is written below it: sysctls and security labels.
 *
 * A procfs the container prepared (or covered) must never receive these writes
 * (CVE-2019-16884): ours is mounted nowhere, so nobody else can reach it.
 */
#include "call.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <limits.h>
#include <sys/vfs.h>

static int detached_proc(void)
{
    int context = (int)call(fsopen, "proc", FSOPEN_CLOEXEC);
    if (context < 0)
        return context;
    int mount = (int)call(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (mount == 0)
        mount = (int)call(fsmount, context, FSMOUNT_CLOEXEC,
                          MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    call(close, context);
    return mount;
}

/* In a user namespace the kernel may refuse a new procfs: then the root's, if it is one. */
static int root_proc(void)
{
    struct statfs fs;
    struct stat st;
    int fd = path_open("/proc", O_PATH | O_DIRECTORY | O_NOFOLLOW);
    if (fd < 0)
        FAIL(-fd, "/proc");
    if (call(fstatfs, fd, &fs) < 0 || fs.f_type != PROC_MAGIC ||
        call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0 || st.st_ino != PROC_ROOT_INODE)
        FAIL(ENODEV, "/proc of the root file system is no procfs");
    return fd;
}

void open_proc(const union argument *given)
{
    (void)given;
    int fd = detached_proc();
    if (fd == -EPERM || fd == -EACCES)
        fd = root_proc();
    if (fd < 0)
        FAIL(-fd, "proc");
    slot_set(SLOT_PROC, fd);
}

/* Writes `value` to `before`/`path` below SLOT_PROC, through no link, mount or dot-dot. */
static void write_below(const char *before, const char *path, const struct text *value)
{
    char full[PATH_MAX];
    size_t lead = strlen(before), length = strlen(path);
    if (lead + length + 2 > sizeof full)
        FAIL(ENAMETOOLONG, path);
    memcpy(full, before, lead);
    full[lead] = '/';
    memcpy(full + lead + 1, path, length + 1);
    struct open_how how = {.flags = O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
                                      RESOLVE_NO_MAGICLINKS};
    int fd = (int)call(openat2, slot(SLOT_PROC), full, &how, sizeof how);
    if (fd < 0)
        FAIL(-fd, full);
    long r = call(write, fd, value->data, value->length);
    if (r < 0)
        FAIL((int)-r, full, " = ", value->data);
    call(close, fd);
}

void set_sysctl(const union argument *given)
{
    const char *key = given[0].s.data;
    /* BENEATH would let "x/../../self" through: it stays in /proc but not in sys. */
    for (const char *at = key; (at = strstr(at, "..")); at += 2)
        if ((at == key || at[-1] == '/') && (at[2] == '/' || at[2] == 0))
            FAIL(EINVAL, key, ": a sysctl's name has no '..'");
    write_below("sys", key, &given[1].s);
}

void set_exec_label(const union argument *given)
{
    const char *path = given[0].s.data;
    if (strncmp(path, "self/", 5) != 0)
        FAIL(EINVAL, path, ": must begin with self/");
    write_below(decimal(getpid()), path + 5, &given[1].s); /* `self` is a link */
}
