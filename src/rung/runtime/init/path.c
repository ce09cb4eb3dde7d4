/* Resolving inside the root.
 *
 * The kernel resolves every path with RESOLVE_IN_ROOT: links and dot-dots of a hostile
 * root file system stay in it, and no race with another process that shares the root
 * can change that (CVE-2021-30465, CVE-2019-19921). Magic links are refused: a path
 * that needs one leads to a descriptor of this process (CVE-2024-21626).
 *
 * What is missing is made one component at a time below a descriptor that the kernel
 * resolved, then resolved again from the root. A link to something missing is
 * followed by its text, as the field's runtimes do: /var/run/x with /var/run -> /run
 * and no /run makes /run.
 */
#include "path.h"

#include "call.h"
#include "slot.h"
#include <limits.h>

#define LINKS_MAX 40
#define RACES_MAX 64

int root_fd(void)
{
    int fd = slot_or_none(SLOT_ROOT);
    if (fd < 0) {
        fd = (int)call(openat, AT_FDCWD, "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
            FAIL(-fd, "/");
        slot_set(SLOT_ROOT, fd);
    }
    return fd;
}

int path_open(const char *path, uint64_t flags)
{
    struct open_how how = {.flags = flags | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS};
    int root = root_fd(), fd = -EAGAIN;
    /* EAGAIN: a rename anywhere on the system crossed a dot-dot's check. */
    for (int i = 0; fd == -EAGAIN && i < RACES_MAX; i++)
        fd = (int)call(openat2, root, path, &how, sizeof how);
    return fd;
}

struct wish {
    bool file;
    unsigned mode;
    int links;
};

static int reach(char *path, size_t length, struct wish *wish, bool last);

/* `path` up to `start` is the directory, from there a link with a missing target. */
static __attribute__((noinline)) int reach_through_link(char *path, size_t start, int parent,
                                                        struct wish *wish, bool last)
{
    char next[PATH_MAX];
    const char *name = path + start;
    long length = call(readlinkat, parent, name, next, sizeof next - 1);
    if (length < 0)
        return (int)length;
    if (++wish->links > LINKS_MAX)
        return -ELOOP;
    if (next[0] != '/') {
        if (start + (size_t)length >= sizeof next)
            return -ENAMETOOLONG;
        memmove(next + start, next, (size_t)length);
        memcpy(next, path, start);
        length += (long)start;
    }
    next[length] = 0;
    return reach(next, (size_t)length, wish, last);
}

/* Opens path[0..length), making it. The buffer is cut on the way and mended again. */
static int reach(char *path, size_t length, struct wish *wish, bool last)
{
    while (length > 1 && path[length - 1] == '/')
        length--;
    char behind = path[length];
    path[length] = 0;
    int fd = path_open(path, O_PATH);
    if (fd != -ENOENT || length <= 1)
        goto out;

    size_t start = length;
    while (path[start - 1] != '/')
        start--;
    int parent = reach(path, start, wish, false);
    if (parent < 0) {
        fd = parent;
        goto out;
    }
    long made = wish->file && last ? call(mknodat, parent, path + start, S_IFREG | wish->mode, 0)
                                   : call(mkdirat, parent, path + start, last ? wish->mode : 0755);
    fd = made < 0 && made != -EEXIST ? (int)made : path_open(path, O_PATH);
    if (fd == -ENOENT)
        fd = reach_through_link(path, start, parent, wish, last);
    close_fd(parent);
out:
    path[length] = behind;
    return fd;
}

/* The path with a leading slash in `buffer`; its length or -errno. */
static long absolute(char buffer[PATH_MAX], const char *path)
{
    size_t length = strlen(path);
    if (length + 2 > PATH_MAX)
        return -ENAMETOOLONG;
    buffer[0] = '/';
    memcpy(buffer + 1, path, length + 1);
    return (long)length + 1;
}

int path_make(const char *path, bool file, unsigned mode)
{
    int fd = path_open(path, O_PATH); /* nearly always there: no copy needed */
    if (fd != -ENOENT)
        return fd;
    char buffer[PATH_MAX];
    long length = absolute(buffer, path);
    if (length < 0)
        return (int)length;
    struct wish wish = {.file = file, .mode = mode};
    return reach(buffer, (size_t)length, &wish, true);
}

int path_parent(const char *path, const char **name)
{
    static char buffer[PATH_MAX];
    long length = absolute(buffer, path);
    if (length < 0)
        return (int)length;
    while (length > 1 && buffer[length - 1] == '/')
        buffer[--length] = 0;
    long start = length;
    while (buffer[start - 1] != '/')
        start--;
    *name = buffer + start;
    if (start == length || strcmp(*name, ".") == 0 || strcmp(*name, "..") == 0)
        return -EINVAL; /* the root, or a way up, is no name to make */
    char first = buffer[start];
    struct wish wish = {.file = false, .mode = 0755};
    int fd = reach(buffer, (size_t)start, &wish, true);
    buffer[start] = first;
    return fd;
}
