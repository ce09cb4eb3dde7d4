/* tmpcopyup: the tree is copied by descriptors, links as links, nothing followed. */
#include "copyup.h"

#include "call.h"
#include <limits.h>

#define DEPTH_MAX 64

struct entry { /* struct linux_dirent64 */
    uint64_t inode;
    int64_t offset;
    uint16_t length;
    uint8_t type;
    char name[];
};

static void check(long r, const char *dest, const char *name)
{
    if (r < 0)
        FAIL((int)-r, dest, ": copying ", name);
}

static void copy_content(int from, int to, const char *name, const char *dest)
{
    int in = (int)call(openat, from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    check(in, dest, name);
    int out = (int)call(openat, to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    check(out, dest, name);
    long r;
    while ((r = call(sendfile, out, in, NULL, 1 << 20)) > 0)
        ;
    check(r, dest, name);
    call(close, in);
    call(close, out);
}

static void copy_link(int from, int to, const char *name, const char *dest)
{
    char target[PATH_MAX];
    long length = call(readlinkat, from, name, target, sizeof target - 1);
    check(length, dest, name);
    target[length] = 0;
    check(call(symlinkat, target, to, name), dest, name);
}

static void copy_tree(int from, int to, const char *dest, int depth);

static void copy_entry(int from, int to, const char *name, const char *dest, int depth)
{
    struct stat st;
    check(call(newfstatat, from, name, &st, AT_SYMLINK_NOFOLLOW), dest, name);
    if (S_ISREG(st.st_mode))
        copy_content(from, to, name, dest);
    else if (S_ISLNK(st.st_mode))
        copy_link(from, to, name, dest);
    else if (S_ISDIR(st.st_mode))
        check(call(mkdirat, to, name, 0700), dest, name);
    else
        check(call(mknodat, to, name, st.st_mode, st.st_rdev), dest, name);
    if (S_ISDIR(st.st_mode)) {
        int below_from = (int)call(openat, from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        check(below_from, dest, name);
        int below_to = (int)call(openat, to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        check(below_to, dest, name);
        copy_tree(below_from, below_to, dest, depth + 1);
        call(close, below_from);
        call(close, below_to);
    }
    check(call(fchownat, to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW), dest, name);
    if (!S_ISLNK(st.st_mode))
        check(call(fchmodat, to, name, st.st_mode & 07777), dest, name);
    struct timespec times[2] = {st.st_atim, st.st_mtim};
    check(call(utimensat, to, name, times, AT_SYMLINK_NOFOLLOW), dest, name);
}

static void copy_tree(int from, int to, const char *dest, int depth)
{
    union {
        char bytes[4096];
        struct entry first;
    } block;
    if (depth > DEPTH_MAX)
        FAIL(ELOOP, dest, ": too deep to copy");
    long size;
    while ((size = call(getdents64, from, block.bytes, sizeof block.bytes)) > 0)
        for (long at = 0; at < size;) {
            const struct entry *each = (const struct entry *)(const void *)(block.bytes + at);
            at += each->length;
            if (strcmp(each->name, ".") != 0 && strcmp(each->name, "..") != 0)
                copy_entry(from, to, each->name, dest, depth);
        }
    check(size, dest, ".");
}

void copy_up(int from, int to, const char *dest)
{
    int directory = (int)call(openat, from, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    check(directory, dest, ".");
    copy_tree(directory, to, dest, 0);
    call(close, directory);
}
