/* What all of rung-untar knows: bytes with a length, an entry of an archive, and how to fail. */
#pragma once

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ARCHIVE_FD = 0, REPORT_FD = 1, TARGET_FD = 3 };

struct text {
    const char *data;
    size_t size;
};
#define TEXT(literal) ((struct text){literal, sizeof literal - 1})

static inline bool same(struct text a, struct text b)
{
    return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool starts(struct text a, struct text prefix)
{
    return a.size >= prefix.size && (!prefix.size || memcmp(a.data, prefix.data, prefix.size) == 0);
}

struct moment {
    int64_t s;
    uint32_t ns;
};

struct xattr {
    struct text name, value;
};

/* A stretch of a sparse file that has data. */
struct segment {
    uint64_t offset, size;
};

enum kind { FILE_ = '0', HARD_LINK = '1', SYMLINK = '2', CHAR = '3', BLOCK = '4', DIRECTORY = '5', FIFO = '6' };

/* One member. `stored` bytes of data follow in the archive, at `at`; `segments` says where they belong
 * in a sparse file of `size` bytes. */
struct entry {
    struct text name, link;
    enum kind kind;
    uint32_t mode;
    int64_t uid, gid, size, major, minor;
    uint64_t stored, at;
    struct moment mtime, atime;
    struct xattr *xattrs;
    size_t xattr_count;
    struct segment *segments;
    size_t segment_count;
    bool sparse;
};

/* --- report.c: what the caller is told --------------------------------------------------- */

/* Ends the process. The object is an entry's name and may be any bytes, the reason is a sentence's end. */
_Noreturn void fail_layer(const char *operation, struct text object, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
_Noreturn void fail_store(const char *operation, struct text object, int error);
_Noreturn void fail_archive(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The layer is sound, but this mode cannot hold it. */
_Noreturn void fail_unfit(struct text object, const char *reason);
/* Something was left out; each sentence is said once. */
void note(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A directory that no entry describes; `place` is the backend's. */
void report_implied(struct text path, uint64_t place);
_Noreturn void report_done(uint64_t entries, uint64_t size);

/* --- memory.c: what lives as long as the process --------------------------------------------- */

void *keep(size_t size);
struct text keep_text(struct text text);
void *grow(void *array, size_t *capacity, size_t count, size_t item_size);
