/* BindRoot, DropRoot and PivotRoot: how a directory becomes "/". */
#include "broker.h"
#include "call.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <sys/mman.h>

enum { PIVOT, MOVE, CHROOT, STAY };

static const char *new_root = "/"; /* BindRoot's path */

/* Whether two descriptors lie in one mount, and are one directory. */
static bool same_place(int one, int other, bool *same_mount)
{
    struct stat a, b;
    struct mount_of x, y;
    if (call(statx, one, "", AT_EMPTY_PATH, STATX_MNT_ID, &x) < 0 ||
        call(statx, other, "", AT_EMPTY_PATH, STATX_MNT_ID, &y) < 0 ||
        call(newfstatat, one, "", &a, AT_EMPTY_PATH) < 0 ||
        call(newfstatat, other, "", &b, AT_EMPTY_PATH) < 0)
        FAIL(ENOSYS, "statx");
    *same_mount = x.id == y.id;
    return *same_mount && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* Where mounts are still shared with the caller's, attaching the root and pivot_root
 * would show in the caller's namespace (or be refused): the mount that will hold it is
 * cut off. It is found by walking up until the mount changes. */
static void isolate_parent(int directory, const char *path)
{
    int at = (int)call(dup, directory);
    for (;;) {
        int up = (int)call(openat, at, "..", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (up < 0)
            FAIL(-up, path, ": parent");
        bool same_mount, top = same_place(at, up, &same_mount);
        if (top || !same_mount) {
            call(close, up);
            break;
        }
        call(close, at);
        at = up;
    }
    long r = mount_change(at, 0, 0, MS_PRIVATE, false);
    if (r < 0)
        FAIL((int)-r, path, ": the mount it lies in cannot be made private");
    call(close, at);
}

void bind_root(const union argument *given)
{
    const char *path = given[0].s.data;
    int directory = (int)call(openat, AT_FDCWD, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory == -ENOTDIR)
        FAIL(ENOTDIR, path, ": the root file system must be a directory");
    if (directory < 0)
        FAIL(-directory, path);
    int tree = mount_copy(directory, true); /* first: of a slave it is a slave */
    if (tree < 0)
        FAIL(-tree, path);
    if (mounts_shared)
        isolate_parent(directory, path);
    long r = mount_change(tree, given[1].u, 0, 0, false);
    if (r == 0)
        r = mount_change(tree, 0, 0, given[2].u, false); /* MS_REC: all of it */
    if (r < 0)
        FAIL((int)-r, path, ": attributes");
    r = mount_attach(tree, directory);
    if (r < 0)
        FAIL((int)-r, path);
    call(close, directory);
    slot_set(SLOT_ROOT, tree);
    new_root = path;
}

void drop_root(const union argument *given)
{
    (void)given;
    long r = call(fchdir, root_fd());
    if (r == 0)
        r = call(umount2, ".", MNT_DETACH);
    if (r == 0)
        r = call(chdir, "/");
    if (r < 0)
        FAIL((int)-r, new_root);
    slot_set(SLOT_ROOT, -1);
}

/* --- MS_MOVE leaves the caller's tree mounted below the new root ------------------------ */

/* The next space-ended field; octal escapes (\040 and kin) are undone in place. */
static char *field(char **at)
{
    char *start = *at, *out = *at;
    while (**at && **at != ' ') {
        if (**at == '\\' && (*at)[1] && (*at)[2] && (*at)[3]) {
            *out++ = (char)(((*at)[1] - '0') << 6 | ((*at)[2] - '0') << 3 | ((*at)[3] - '0'));
            *at += 4;
        } else {
            *out++ = *(*at)++;
        }
    }
    if (**at)
        ++*at;
    *out = 0;
    return start;
}

/* The mount point of a whole procfs or sysfs outside the new root, else NULL. */
static const char *kernel_view(char *line)
{
    char *dash = strstr(line, " - "), *type = dash ? dash + 3 : NULL;
    if (!dash)
        return NULL;
    type = field(&type);
    for (int i = 0; i < 3; i++)
        field(&line);
    const char *top = field(&line), *point = field(&line);
    size_t length = strlen(new_root);
    bool below = strncmp(point, new_root, length) == 0 && (point[length] == '/' || point[length] == 0);
    bool kernels = strcmp(type, "proc") == 0 || strcmp(type, "sysfs") == 0;
    return kernels && !below && strcmp(top, "/") == 0 ? point : NULL;
}

static void hide(const char *point)
{
    long r = call(mount, NULL, point, NULL, MS_SLAVE | MS_REC, NULL);
    if (r == 0)
        r = call(umount2, point, MNT_DETACH);
    if (r < 0) /* locked in a user namespace: cover it, then */
        r = call(mount, "tmpfs", point, "tmpfs", MS_RDONLY, NULL);
    if (r < 0 && r != -ENOENT && r != -EINVAL) /* gone with another one already */
        FAIL((int)-r, point, ": cannot be hidden");
}

/* A procfs or sysfs that is visible whole lets a user namespace in the container mount
 * new ones without the masks of this one. pivot_root drops them all; MS_MOVE does not. */
static void hide_kernel_views(void)
{
    size_t held = 0, size = 16 << 20;
    int fd = (int)call(openat, AT_FDCWD, "/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
    char *table = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (fd < 0 || table == MAP_FAILED)
        FAIL(fd < 0 ? -fd : ENOMEM, "/proc/self/mountinfo");
    long r;
    while ((r = call(read, fd, table + held, size - 1 - held)) > 0)
        held += (size_t)r;
    call(close, fd);
    for (char *line = table, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = 0;
        const char *point = kernel_view(line);
        if (point)
            hide(point);
    }
    munmap(table, size);
}

/* --- PivotRoot ---------------------------------------------------------------------------- */

/* pivot_root(".", ".") stacks the old root on the new one, whence it is taken off: no
 * directory to put it in, nothing to clean up. */
static void pivot(void)
{
    int old = (int)call(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (old < 0)
        FAIL(-old, "/");
    long r = call(fchdir, root_fd());
    if (r == 0)
        r = call(pivot_root, ".", ".");
    if (r < 0)
        FAIL((int)-r, "the new root: pivot_root");
    if (mounts_shared) /* else the unmount below would reach the caller's namespace */
        r = mount_change(old, 0, 0, MS_SLAVE | MS_REC, true);
    if (r == 0)
        r = call(fchdir, old);
    if (r == 0)
        r = call(umount2, ".", MNT_DETACH);
    if (r < 0)
        FAIL((int)-r, "the old root");
    call(close, old);
}

static void move_root(bool move)
{
    if (move)
        hide_kernel_views();
    long r = call(fchdir, root_fd());
    if (r == 0 && move)
        r = call(mount, ".", "/", NULL, MS_MOVE, NULL);
    if (r == 0)
        r = call(chroot, ".");
    if (r < 0)
        FAIL((int)-r, "the new root", move ? ": MS_MOVE and chroot" : ": chroot");
}

void pivot_root_to(const union argument *given)
{
    broker_dismiss();
    if (given[0].u == PIVOT)
        pivot();
    else if (given[0].u != STAY)
        move_root(given[0].u == MOVE);
    long r = call(chdir, "/");
    if (r < 0)
        FAIL((int)-r, "/");
    slot_set(SLOT_ROOT, -1);
    r = mount_change(root_fd(), 0, 0, given[1].u, false);
    if (r < 0)
        FAIL((int)-r, "/: propagation");
}
