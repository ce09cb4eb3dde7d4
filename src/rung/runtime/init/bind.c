/* MountBind: a host's directory or file, shown again inside.
 *
 * What people expect of options on a bind is mount(8)'s remount, which the field's runtimes
 * follow: once any option is given, those not given are off. In a user namespace the
 * kernel has locked some of the source's attributes; those stay, unless the
 * configuration asks for the opposite, which is an error.
 */
#include "broker.h"
#include "call.h"
#include "mapped.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <limits.h>
#include <sys/statfs.h>

enum {
    BIND_RECURSIVE = 1,
    BIND_NO_FOLLOW = 2,
    BIND_INSIDE = 4,
    BIND_IN_PROC = 8,
    BIND_EXACT = 16,
    BIND_MAP_ALL = 32,
    BIND_ONTO_LINK = 64,
    BIND_COPY_LINK = 128,
};

#define FLAGS_OF_THEIR_OWN                                                            \
    (MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | \
     MOUNT_ATTR_NOSYMFOLLOW)

/* --- the source ---------------------------------------------------------------------- */

static uint64_t tree_flags(uint64_t flags)
{
    return OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT |
           (flags & BIND_RECURSIVE ? AT_RECURSIVE : 0) |
           (flags & BIND_NO_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
}

static int source_inside(const char *source, uint64_t flags)
{
    int fd = path_open(source, O_PATH | (flags & BIND_NO_FOLLOW ? O_NOFOLLOW : 0));
    if (fd < 0)
        return fd;
    int tree = mount_copy(fd, flags & BIND_RECURSIVE);
    call(close, fd);
    return tree;
}

static int brokered(const char *dest, const char *source, uint64_t flags, uint64_t idmap)
{
    bool mapping = false;
    int tree = broker_ask(source, tree_flags(flags), idmap, flags & BIND_MAP_ALL, &mapping);
    if (tree == -EPIPE)
        FAIL(EPIPE, dest, ": source ", source, ": the helper that opens it was killed");
    if (mapping)
        idmap_failed(-tree, dest, source);
    return tree;
}

static int bind_source(const char *dest, const char *source, uint64_t number, uint64_t flags, uint64_t idmap)
{
    bool broker = slot_or_none(SLOT_BROKER) >= 0;
    if (number != SLOT_NONE)
        return slot_take(number);
    if (flags & BIND_INSIDE)
        return source_inside(source, flags);
    if (idmap != SLOT_NONE && broker)
        return brokered(dest, source, flags, idmap);
    int tree = (int)call(open_tree, AT_FDCWD, source, tree_flags(flags));
    if (tree == -EACCES && broker)
        return brokered(dest, source, flags, SLOT_NONE);
    if (tree >= 0 && idmap != SLOT_NONE)
        idmap_or_fail(tree, idmap, flags & BIND_MAP_ALL, dest, source);
    return tree;
}

/* --- its attributes ------------------------------------------------------------------- */

/* The attributes that a user namespace locks, as the mount has them: statfs(2) gives them the
 * numbers that mount_setattr(2) does. */
static uint64_t lockable(int tree)
{
    struct statfs fs;
    uint64_t all = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
    return call(fstatfs, tree, &fs) == 0 ? (uint64_t)fs.f_flags & all : 0;
}

static void own_attributes(int tree, const char *dest, uint64_t set, uint64_t clear, bool exact)
{
    uint64_t others = exact ? FLAGS_OF_THEIR_OWN & ~set & ~clear : 0;
    long r = mount_change(tree, set, clear | others, 0, false);
    if (r == -EPERM) {
        uint64_t locked = lockable(tree);
        if (locked & clear)
            FAIL(EPERM, dest, ": attributes of the source that the user namespace has locked");
        r = mount_change(tree, set, clear | (others & ~locked), 0, false);
    }
    if (r < 0)
        FAIL((int)-r, dest, ": attributes");
}

static void attributes(int tree, const char *dest, const union argument *given)
{
    own_attributes(tree, dest, given[4].u, given[5].u, given[3].u & BIND_EXACT);
    long r = mount_change(tree, given[6].u, given[7].u, 0, true);
    if (r < 0)
        FAIL((int)-r, dest, ": attributes");
    r = mount_change(tree, 0, 0, given[8].u, false);
    if (r < 0)
        FAIL((int)-r, dest, ": propagation");
}

/* --- copy-symlink ----------------------------------------------------------------------- */

/* A source that is a link is made again at `dest`; false: it is none. */
static bool copied_link(const char *dest, const char *source)
{
    char target[PATH_MAX], there[PATH_MAX];
    const char *name;
    long length = call(readlinkat, AT_FDCWD, source, target, sizeof target - 1);
    if (length < 0)
        return false;
    target[length] = 0;
    int parent = path_parent(dest, &name);
    if (parent < 0)
        FAIL(-parent, dest);
    long r = call(symlinkat, target, parent, name);
    if (r == -EEXIST) {
        long had = call(readlinkat, parent, name, there, sizeof there);
        if (had != length || memcmp(there, target, (size_t)length) != 0)
            FAIL(EEXIST, dest, ": something else than the link to ", target, " is there");
    } else if (r < 0) {
        FAIL((int)-r, dest);
    }
    call(close, parent);
    return true;
}

/* --- the step ------------------------------------------------------------------------------ */

static int mount_point(const char *dest, bool directory, bool link_itself)
{
    if (link_itself) {
        int fd = path_open(dest, O_PATH | O_NOFOLLOW);
        if (fd != -ENOENT)
            return fd;
    }
    return path_make(dest, !directory, directory ? 0755 : 0644);
}

void mount_bind(const union argument *given)
{
    const char *dest = given[0].s.data, *source = given[1].s.data;
    uint64_t flags = given[3].u;
    if (flags & BIND_COPY_LINK && copied_link(dest, source))
        return;
    int tree = bind_source(dest, source, given[2].u, flags, given[9].u);
    if (tree < 0)
        FAIL(-tree, dest, ": source ", source);
    attributes(tree, dest, given);
    struct stat st;
    long r = call(newfstatat, tree, "", &st, AT_EMPTY_PATH);
    if (r < 0)
        FAIL((int)-r, dest, ": source ", source);
    int onto = mount_point(dest, S_ISDIR(st.st_mode), flags & BIND_ONTO_LINK);
    if (onto < 0)
        FAIL(-onto, dest);
    mount_put(tree, onto, dest, flags & BIND_IN_PROC);
}
