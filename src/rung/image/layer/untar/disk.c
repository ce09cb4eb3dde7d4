/* The backend that makes files: every path is resolved by the kernel below the layer's directory,
 * which is the process's root as well. */
#include "disk.h"

#include "backend.h"
#include "input.h"
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

/* A directory that is held open, with what it does to what is made in it. */
struct held {
    struct text path;
    size_t capacity;
    int fd;
    bool set_group; /* new files take its group, new directories its bit */
};

/* Set when all else is done, deepest first: whatever is made in a directory changes its times, and
 * a default ACL would be inherited. */
struct last_words {
    struct text path, acl;
    struct moment atime, mtime;
};

static struct held slots[SLOTS];
static bool any_set_group, devices = true;
static const char *opaque_name;
static struct last_words *directories;
static size_t directory_count, directory_capacity;

#define DEFAULT_ACL TEXT("system.posix_acl_default")

void disk_begin(const char *opaque_attribute, bool may_have_devices)
{
    opaque_name = opaque_attribute;
    devices = may_have_devices;
    for (int i = 0; i < SLOTS; i++)
        slots[i].fd = -1;
    umask(0);
}

static int open_below(struct text path, int flags)
{
    struct open_how how = {.flags = (uint64_t)flags, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    char copy[4096];
    memcpy(copy, path.data, path.size);
    copy[path.size] = 0;
    long fd = syscall(SYS_openat2, TARGET_FD, path.size ? copy : ".", &how, sizeof how);
    return fd < 0 ? -errno : (int)fd;
}

static long open_directory(enum slot slot, struct text path)
{
    struct held *held = &slots[slot];
    if (held->fd >= 0 && same(held->path, path))
        return held->fd;
    int fd = open_below(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fd;
    if (held->fd >= 0)
        close(held->fd);
    held->fd = fd;
    if (held->capacity < path.size) {
        held->path.data = keep(path.size + 256);
        held->capacity = path.size + 256;
    }
    if (path.size)
        memcpy((char *)held->path.data, path.data, path.size);
    held->path.size = path.size;
    struct stat found;
    held->set_group = any_set_group && fstat(fd, &found) == 0 && found.st_mode & S_ISGID;
    return fd;
}

static bool inherits(long directory)
{
    for (int i = 0; i < SLOTS; i++)
        if (slots[i].fd == directory && slots[i].set_group)
            return true;
    return false;
}

/* A name for the kernel: parts of a clean path are followed by a slash or by the path's end. */
static const char *z(int which, struct text name)
{
    static char copies[2][256];
    memcpy(copies[which], name.data, name.size);
    copies[which][name.size] = 0;
    return copies[which];
}

/* An ID that the namespace does not map is EINVAL to chown(2), which says that of nothing else here. */
static int owner_error(void)
{
    return errno == EINVAL ? -EOVERFLOW : -errno;
}

#define RESULT(call) ((call) < 0 ? -errno : 0)

static long kind_at(long directory, struct text name)
{
    struct stat found;
    return fstatat((int)directory, z(0, name), &found, AT_SYMLINK_NOFOLLOW) < 0 ? -errno : (long)found.st_mode;
}

static int make_directory(long directory, struct text name, uint32_t mode)
{
    any_set_group |= mode & S_ISGID;
    return RESULT(mkdirat((int)directory, z(0, name), mode));
}

static int set_attributes(const struct entry *entry, int fd, const char *path)
{
    for (size_t i = 0; i < entry->xattr_count; i++) {
        const struct xattr *one = &entry->xattrs[i];
        char name[256];
        if (!may_bring(one->name) || (entry->kind == DIRECTORY && same(one->name, DEFAULT_ACL)))
            continue;
        snprintf(name, sizeof name, "%.*s", (int)one->name.size, one->name.data);
        int result = one->name.size >= sizeof name ? (errno = ERANGE, -1)
                     : path ? lsetxattr(path, name, one->value.data, one->value.size, 0)
                            : fsetxattr(fd, name, one->value.data, one->value.size, 0);
        if (result < 0)
            no_attribute(entry, one, errno);
    }
    return 0;
}

static const struct xattr *attribute(const struct entry *entry, struct text name)
{
    for (size_t i = 0; i < entry->xattr_count; i++)
        if (same(entry->xattrs[i].name, name))
            return &entry->xattrs[i];
    return NULL;
}

/* What cannot be opened: links, devices, pipes. Owner first: a change of it clears set-user-ID bits. */
static int describe_node(long directory, const char *name, const struct entry *entry, bool plain)
{
    if ((entry->uid || entry->gid || !plain) &&
        fchownat((int)directory, name, (uid_t)entry->uid, (gid_t)entry->gid, AT_SYMLINK_NOFOLLOW) < 0)
        return owner_error();
    if (entry->kind != SYMLINK && (!plain || entry->uid || entry->gid || entry->mode & 07000) &&
        fchmodat((int)directory, name, entry->mode, 0) < 0)
        return -errno;
    if (entry->xattr_count) {
        if (fchdir((int)directory) < 0)
            return -errno;
        set_attributes(entry, -1, name);
    }
    return 0;
}

static int set_times(long directory, const char *name, const struct entry *entry)
{
    struct timespec times[2] = {{entry->atime.s, entry->atime.ns}, {entry->mtime.s, entry->mtime.ns}};
    return RESULT(utimensat((int)directory, name, times, name ? AT_SYMLINK_NOFOLLOW : 0));
}

static int describe_directory(long directory, struct text name, struct text path, const struct entry *entry, bool fresh)
{
    any_set_group |= entry->mode & S_ISGID;
    if (!name.size)
        slots[PARENT].set_group = entry->mode & S_ISGID;
    int result = describe_node(directory, name.size ? z(0, name) : ".", entry, fresh && !inherits(directory));
    if (result < 0)
        return result;
    for (int i = 0; any_set_group && i < SLOTS; i++)
        if (slots[i].fd >= 0 && same(slots[i].path, path))
            slots[i].set_group = entry->mode & S_ISGID;
    const struct xattr *acl = attribute(entry, DEFAULT_ACL);
    directories = grow(directories, &directory_capacity, directory_count, sizeof *directories);
    directories[directory_count++] =
        (struct last_words){keep_text(path), acl ? keep_text(acl->value) : TEXT(""), entry->atime, entry->mtime};
    return 0;
}

static int write_segments(int fd, const struct entry *entry)
{
    int error;
    for (size_t i = 0; i < entry->segment_count; i++) {
        struct segment *one = &entry->segments[i];
        if (lseek(fd, (off_t)one->offset, SEEK_SET) < 0)
            return -errno;
        if (!input_into(fd, one->size, &error))
            return error ? -error : -EPIPE;
    }
    return RESULT(ftruncate(fd, entry->size));
}

static int make_file(long directory, struct text name, const struct entry *entry)
{
    int error = 0, flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    int fd = openat((int)directory, z(0, name), flags, entry->mode & 0777);
    if (fd < 0)
        return -errno;
    int result = 0;
    if (entry->sparse)
        result = write_segments(fd, entry);
    else if (!input_into(fd, entry->stored, &error))
        result = error ? -error : -EPIPE;
    if (result == -EPIPE && !error)
        fail_archive("is cut off in the middle of a file's data");
    bool owned = entry->uid || entry->gid || inherits(directory);
    if (!result && owned)
        result = fchown(fd, (uid_t)entry->uid, (gid_t)entry->gid) < 0 ? owner_error() : 0;
    if (!result && (owned || entry->mode & 07000))
        result = RESULT(fchmod(fd, entry->mode));
    if (!result && entry->xattr_count)
        result = set_attributes(entry, fd, NULL);
    if (!result)
        result = set_times(fd, NULL, entry);
    close(fd);
    return result;
}

static int make_symlink(long directory, struct text name, const struct entry *entry)
{
    static char target[4096];
    memcpy(target, entry->link.data, entry->link.size);
    target[entry->link.size] = 0;
    const char *made = z(0, name);
    if (symlinkat(target, (int)directory, made) < 0)
        return -errno;
    int result = describe_node(directory, made, entry, !inherits(directory));
    return result ? result : set_times(directory, made, entry);
}

static int make_node(long directory, struct text name, const struct entry *entry)
{
    mode_t kind = entry->kind == CHAR ? S_IFCHR : entry->kind == BLOCK ? S_IFBLK : S_IFIFO;
    const char *made = z(0, name);
    if (entry->kind != FIFO && !devices) {
        note("left out devices (in a user namespace nobody may make them)");
        return 0;
    }
    dev_t device = entry->kind == FIFO ? 0 : makedev((unsigned)entry->major, (unsigned)entry->minor);
    if (mknodat((int)directory, made, kind | (entry->mode & 0777), device) < 0)
        return -errno;
    int result = describe_node(directory, made, entry, !inherits(directory));
    return result ? result : set_times(directory, made, entry);
}

static int make_link(long directory, struct text name, long target, struct text target_name)
{
    return RESULT(linkat((int)target, z(0, target_name), (int)directory, z(1, name), 0));
}

static int make_whiteout(long directory, struct text name)
{
    return RESULT(mknodat((int)directory, z(0, name), S_IFCHR, 0));
}

static int remove_whiteout(long directory, struct text name)
{
    return RESULT(unlinkat((int)directory, z(0, name), 0));
}

static int make_opaque(long directory)
{
    if (fchdir((int)directory) < 0)
        return -errno;
    return RESULT(setxattr(".", opaque_name, "y", 1, 0));
}

static void finish(const struct text *implied, size_t count)
{
    for (size_t i = directory_count; i--;) {
        struct last_words *one = &directories[i];
        int fd = open_below(one->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        struct timespec times[2] = {{one->atime.s, one->atime.ns}, {one->mtime.s, one->mtime.ns}};
        if (fd < 0)
            cannot_make(one->path, -fd);
        if (one->acl.size && fsetxattr(fd, DEFAULT_ACL.data, one->acl.data, one->acl.size, 0) < 0)
            note("left out attributes %s (%s)", DEFAULT_ACL.data, strerror(errno));
        if (futimens(fd, times) < 0)
            cannot_make(one->path, errno);
        close(fd);
    }
    for (size_t i = 0; i < count; i++)
        report_implied(implied[i], 0);
}

const struct backend disk = {
    open_directory, kind_at,   make_directory, describe_directory, make_file,   make_symlink,
    make_node,      make_link, make_whiteout,  remove_whiteout,    make_opaque, finish,
};
