/* MaskPath and ReadonlyPath: what of the kernel's own files a container shall not see.
 *
 * The paths lie in file systems the container may have prepared, so the object that is
 * covered, and the one that covers it, are descriptors that were looked at
 * (CVE-2025-31133: a /dev/null that is a link to what should be hidden).
 */
#include "call.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <sys/sysmacros.h>

static int null_device(void)
{
    struct stat st;
    if (slot_or_none(SLOT_NULL) >= 0)
        return slot(SLOT_NULL);
    int fd = path_open("/dev/null", O_PATH | O_NOFOLLOW);
    if (fd < 0)
        FAIL(-fd, "/dev/null");
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISCHR(st.st_mode) ||
        st.st_rdev != makedev(1, 3))
        FAIL(ENODEV, "/dev/null of the root file system is not the null device");
    slot_set(SLOT_NULL, fd);
    return fd;
}

/* One empty tmpfs serves all masked directories: the first is attached, others are copies. */
static int empty_directory(const char *path)
{
    if (slot_or_none(SLOT_EMPTY_DIRECTORY) >= 0)
        return mount_copy(slot(SLOT_EMPTY_DIRECTORY), false);
    int mount = mount_new(path, "tmpfs",
                          MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    slot_set(SLOT_EMPTY_DIRECTORY, mount);
    return mount;
}

/* The object at `path`, -1 where there is none. */
static int there(const char *path)
{
    int fd = path_open(path, O_PATH);
    if (fd == -ENOENT || fd == -ENOTDIR)
        return -1;
    if (fd < 0)
        FAIL(-fd, path);
    return fd;
}

void mask_path(const union argument *given)
{
    const char *path = given[0].s.data;
    int fd = there(path);
    if (fd < 0)
        return;
    struct stat st;
    long r = call(newfstatat, fd, "", &st, AT_EMPTY_PATH);
    if (r < 0)
        FAIL((int)-r, path);
    bool directory = S_ISDIR(st.st_mode);
    int cover = directory ? empty_directory(path) : mount_copy(null_device(), false);
    if (cover < 0)
        FAIL(-cover, path);
    r = mount_attach(cover, fd);
    if (r < 0)
        FAIL((int)-r, path);
    call(close, fd);
    if (slot_or_none(SLOT_EMPTY_DIRECTORY) != cover)
        call(close, cover);
}

void readonly_path(const union argument *given)
{
    const char *path = given[0].s.data;
    int fd = there(path);
    if (fd < 0)
        return;
    int tree = mount_copy(fd, true);
    if (tree < 0)
        FAIL(-tree, path);
    long r = mount_change(tree, MOUNT_ATTR_RDONLY, 0, 0, true);
    if (r == 0)
        r = mount_attach(tree, fd);
    if (r < 0)
        FAIL((int)-r, path);
    call(close, tree);
    call(close, fd);
}
