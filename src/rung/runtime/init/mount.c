/* MountFs and what binds share with it (bind.c), by the mount API of Linux 5.12.
 *
 * A mount is complete (options, attributes, propagation) before it is attached, so no
 * moment shows it half made, and it is attached to a descriptor that was resolved
 * inside the root, so no path can be swapped in between.
 */
#include "mount.h"

#include "call.h"
#include "copyup.h"
#include "path.h"
#include "slot.h"
#include <linux/magic.h>
#include <sys/vfs.h>

bool mounts_shared = true;

long mount_change(int fd, uint64_t set, uint64_t clear, uint64_t propagation, bool recursive)
{
    struct mount_words words = {.set = set, .clear = clear, .propagation = propagation & ~(uint64_t)MS_REC};
    if (propagation & MS_REC)
        recursive = true;
    if (!words.set && !words.clear && !words.propagation)
        return 0;
    return call(mount_setattr, fd, "", AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0), &words, sizeof words);
}

int mount_copy(int fd, bool recursive)
{
    return (int)call(open_tree, fd, "",
                     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0));
}

long mount_attach(int mount, int onto)
{
    return call(move_mount, mount, "", onto, "", MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH);
}

void set_propagation(const union argument *given)
{
    uint64_t flags = given[0].u;
    long r = call(mount, NULL, "/", NULL, flags, NULL);
    if (r < 0)
        FAIL((int)-r, "/");
    mounts_shared = flags & MS_SHARED || !(flags & MS_REC);
}

/* The kernel's own words on what a file system did not like: "e tmpfs: Bad value for 'size'". */
static const char *context_words(int context)
{
    static char words[160];
    long length = call(read, context, words, sizeof words - 1);
    if (length <= 2)
        return "";
    words[length] = 0;
    char *end = strchr(words, '\n');
    if (end)
        *end = 0;
    memcpy(words, ": ", 2); /* over the "e " */
    return words;
}

static int context_open(const char *dest, const char *fstype)
{
    int context = (int)call(fsopen, fstype, FSOPEN_CLOEXEC);
    if (context == -ENODEV)
        FAIL(ENODEV, dest, ": file system type ", fstype);
    if (context < 0)
        FAIL(-context, dest, ": ", fstype);
    return context;
}

static int context_mount(int context, const char *dest, const char *fstype, uint64_t attrs)
{
    long r = call(fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0);
    if (r < 0)
        FAIL((int)-r, dest, ": ", fstype, context_words(context));
    int mount = (int)call(fsmount, context, FSMOUNT_CLOEXEC, attrs);
    if (mount < 0)
        FAIL(-mount, dest, ": ", fstype, context_words(context));
    call(close, context);
    return mount;
}

int mount_new(const char *dest, const char *fstype, uint64_t attrs)
{
    return context_mount(context_open(dest, fstype), dest, fstype, attrs);
}

static void context_option(int context, const char *dest, const char *option)
{
    char key[64];
    const char *equals = strchr(option, '=');
    long r = -EINVAL;
    if (!equals) {
        r = call(fsconfig, context, FSCONFIG_SET_FLAG, option, NULL, 0);
    } else if ((size_t)(equals - option) < sizeof key) {
        memcpy(key, option, (size_t)(equals - option));
        key[equals - option] = 0;
        r = call(fsconfig, context, FSCONFIG_SET_STRING, key, equals + 1, 0);
    }
    if (r < 0)
        FAIL((int)-r, dest, ": option ", option, context_words(context));
}

static void context_options(int context, const char *dest, const char *source, struct list options)
{
    if (*source) {
        long r = call(fsconfig, context, FSCONFIG_SET_STRING, "source", source, 0);
        if (r < 0)
            FAIL((int)-r, dest, ": source ", source, context_words(context));
    }
    while (options.count)
        context_option(context, dest, list_string(&options));
}

int mount_with_options(const char *dest, const char *fstype, const char *source, struct list options,
                       uint64_t attrs)
{
    int context = context_open(dest, fstype);
    context_options(context, dest, source, options);
    return context_mount(context, dest, fstype, attrs);
}

/* proc and sysfs go on real directories only: a link there is an image that wants the
 * masks and the security modules' files elsewhere (CVE-2019-16884, CVE-2019-19921). */
static int real_directory(const char *dest)
{
    struct stat st;
    int fd = path_open(dest, O_PATH | O_NOFOLLOW);
    if (fd == -ENOENT)
        fd = path_make(dest, false, 0755);
    if (fd < 0)
        FAIL(-fd, dest);
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISDIR(st.st_mode))
        FAIL(ENOTDIR, dest, ": must be mounted on ordinary directory, not through a link");
    return fd;
}

/* A mount on the root itself covers it: from here on it is the root. */
static bool is_root(const char *dest)
{
    while (*dest == '/')
        dest++;
    return *dest == 0;
}

static bool is_procfs(int fd)
{
    struct statfs fs;
    return call(fstatfs, fd, &fs) == 0 && fs.f_type == PROC_SUPER_MAGIC;
}

static bool is_named_proc(const char *dest)
{
    while (*dest == '/')
        dest++;
    if (strncmp(dest, "proc", 4) != 0)
        return false;
    for (dest += 4; *dest == '/'; dest++)
        ;
    return *dest == 0;
}

/* What lies on or in /proc decides which labels and limits init really sets, so it stays
 * procfs, by whatever links a mount point leads there (CVE-2019-16884). `listed`: one of the
 * files that lxcfs emulates. */
static void guard_proc(int mount, int onto, const char *dest, bool listed)
{
    struct stat st;
    bool on_proc = is_named_proc(dest);
    if (!on_proc && (listed || !is_procfs(onto)))
        return;
    if (!on_proc)
        on_proc = call(newfstatat, onto, "", &st, AT_EMPTY_PATH) == 0 && st.st_ino == 1; /* procfs' own root */
    if (!on_proc)
        FAIL(EPERM, dest, ": is inside /proc, where nothing is mounted but the files that lxcfs emulates");
    if (!is_procfs(mount))
        FAIL(EPERM, dest, ": only procfs may be mounted on /proc");
}

void mount_put(int mount, int onto, const char *dest, bool listed)
{
    struct stat above, below;
    guard_proc(mount, onto, dest, listed);
    long r = mount_attach(mount, onto);
    if (r == -EINVAL && call(newfstatat, mount, "", &above, AT_EMPTY_PATH) == 0 &&
        call(newfstatat, onto, "", &below, AT_EMPTY_PATH) == 0 &&
        S_ISDIR(above.st_mode) != S_ISDIR(below.st_mode))
        FAIL(ENOTDIR, dest, ": of source and mount point, one is a directory and one is not");
    if (r < 0)
        FAIL((int)-r, dest);
    call(close, onto);
    if (is_root(dest))
        slot_set(SLOT_ROOT, mount);
    else
        call(close, mount);
}

static int mount_point(const char *dest, const char *fstype)
{
    if (strcmp(fstype, "proc") == 0 || strcmp(fstype, "sysfs") == 0)
        return real_directory(dest);
    int onto = path_make(dest, false, 0755);
    if (onto < 0)
        FAIL(-onto, dest);
    return onto;
}

/* A tmpfs over a directory that is there takes that directory's mode, unless one is given. */
static void keep_mode(int context, const char *dest, struct list options)
{
    struct stat st;
    char octal[8];
    while (options.count)
        if (strncmp(list_string(&options), "mode=", 5) == 0)
            return;
    int fd = path_open(dest, O_PATH);
    if (fd < 0)
        return;
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISDIR(st.st_mode)) {
        int at = 0;
        for (int shift = 9; shift >= 0; shift -= 3)
            octal[at++] = (char)('0' + (st.st_mode >> shift & 7));
        octal[at] = 0;
        call(fsconfig, context, FSCONFIG_SET_STRING, "mode", octal, 0);
    }
    call(close, fd);
}

void mount_fs(const union argument *given)
{
    const char *dest = given[0].s.data, *fstype = given[1].s.data, *source = given[2].s.data;
    struct list options = given[3].l;
    if (mount_needs_old_call(options)) {
        int onto = mount_point(dest, fstype);
        if (is_named_proc(dest) || is_procfs(onto))
            FAIL(EPERM, dest, ": on or inside /proc");
        mount_by_old_call(onto, given);
        return;
    }
    int context = context_open(dest, fstype);
    if (strcmp(fstype, "tmpfs") == 0)
        keep_mode(context, dest, options);
    context_options(context, dest, source, options);
    int mount = context_mount(context, dest, fstype, given[4].u);
    long r = mount_change(mount, 0, 0, given[5].u, false);
    if (r < 0)
        FAIL((int)-r, dest, ": propagation");
    int onto = mount_point(dest, fstype);
    if (given[6].u)
        copy_up(onto, mount, dest);
    mount_put(mount, onto, dest, false);
}

void set_mount_attr(const union argument *given)
{
    const char *path = given[0].s.data;
    int fd = path_open(path, O_PATH);
    if (fd < 0)
        FAIL(-fd, path);
    long r = mount_change(fd, given[1].u, given[2].u, given[3].u, given[4].u);
    if (r == -EINVAL)
        FAIL(EINVAL, path, ": not a mount point, or attributes that do not go together");
    if (r < 0)
        FAIL((int)-r, path);
    call(close, fd);
}
