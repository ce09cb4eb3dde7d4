/* MakeDir, MakeSymlink, MakeNode, MakeDevice: what a root file system may lack. */
#include "call.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <sys/sysmacros.h>

static int parent_of(const char *path, const char **name)
{
    int parent = path_parent(path, name);
    if (parent < 0)
        FAIL(-parent, path);
    return parent;
}

static void own(int parent, const char *name, uint64_t uid, uint64_t gid, const char *path)
{
    if (!uid && !gid)
        return;
    long r = call(fchownat, parent, name, uid, gid, AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH);
    if (r < 0)
        FAIL((int)-r, path, ": owner ", decimal((int64_t)uid), ":", decimal((int64_t)gid));
}

void make_dir(const union argument *given)
{
    const char *path = given[0].s.data;
    int fd = path_open(path, O_PATH);
    if (fd == -ENOENT) {
        fd = path_make(path, false, (unsigned)given[1].u);
        if (fd >= 0)
            own(fd, "", given[2].u, given[3].u, path);
    }
    if (fd < 0)
        FAIL(-fd, path);
    call(close, fd);
}

void make_symlink(const union argument *given)
{
    const char *path = given[0].s.data, *target = given[1].s.data, *name;
    int parent = parent_of(path, &name);
    long r = call(symlinkat, target, parent, name);
    if (r < 0 && r != -EEXIST)
        FAIL((int)-r, path);
    call(close, parent);
}

/* A user namespace may not make devices: the host's node is bound in its place. */
static void bind_node(int parent, const char *name, const char *path, const char *source)
{
    long r = call(mknodat, parent, name, S_IFREG | 0644, 0);
    if (r < 0 && r != -EEXIST)
        FAIL((int)-r, path);
    int onto = (int)call(openat, parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (onto < 0)
        FAIL(-onto, path);
    int node = (int)call(open_tree, AT_FDCWD, source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (node < 0)
        FAIL(-node, path, ": source ", source);
    r = mount_change(node, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, 0, 0, false);
    if (r == 0)
        r = mount_attach(node, onto);
    if (r < 0)
        FAIL((int)-r, path);
    call(close, node);
    call(close, onto);
}

/* One that is there may stay if it is the very same device. */
static void check_node(int parent, const char *name, const char *path, mode_t mode, dev_t device)
{
    struct stat st;
    long r = call(newfstatat, parent, name, &st, AT_SYMLINK_NOFOLLOW);
    if (r < 0)
        FAIL((int)-r, path);
    bool has_number = S_ISCHR(mode) || S_ISBLK(mode);
    if ((st.st_mode & S_IFMT) != (mode & S_IFMT) || (has_number && st.st_rdev != device))
        FAIL(EEXIST, path, ": something else than the device is there");
}

void make_node(const union argument *given)
{
    const char *path = given[0].s.data, *source = given[6].s.data, *name;
    mode_t mode = (mode_t)given[1].u;
    dev_t device = makedev(given[2].u, given[3].u);
    int parent = parent_of(path, &name);
    long r = call(mknodat, parent, name, mode, device);
    if (r == -EEXIST)
        check_node(parent, name, path, mode, device);
    else if (r == -EPERM && *source)
        bind_node(parent, name, path, source);
    else if (r < 0)
        FAIL((int)-r, path);
    else
        own(parent, name, given[4].u, given[5].u, path);
    call(close, parent);
}

/* One file system holds all: nobody but its mounts of single files will ever see it. */
static int store(const char *path)
{
    static int mount = -1;
    if (mount < 0)
        mount = mount_new(path, "tmpfs", MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC);
    return mount;
}

void make_device(const union argument *given)
{
    const char *path = given[1].s.data, *name = decimal((int64_t)given[0].u);
    int mount = store(path);
    mode_t before = (mode_t)call(umask, 0);
    long r = call(mknodat, mount, name, (mode_t)given[2].u, makedev(given[3].u, given[4].u));
    call(umask, before);
    if (r < 0)
        FAIL((int)-r, path);
    own(mount, name, given[5].u, given[6].u, path);
    int node = (int)call(open_tree, mount, name, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (node == -EINVAL) /* before Linux 6.15 */
        node = (int)call(open_tree, AT_FDCWD, path, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
    if (node < 0)
        FAIL(-node, path);
    slot_set(given[0].u, node);
}
