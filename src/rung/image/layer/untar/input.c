#include "input.h"

/* A pipe is given in pieces of this size; a file's headers are some kilobytes apart. */
enum { WINDOW = 1 << 18, HEADER_WINDOW = 1 << 12, WORTH_SPLICING = 1 << 16 };

static uint8_t buffer[WINDOW] __attribute__((aligned(4096)));
static size_t at, end, window = WINDOW;
static uint64_t offset; /* of buffer[at] in the archive */
static bool seekable;
static uint64_t archive_size; /* of a file */

void input_begin(bool headers_only)
{
    struct stat found;
    seekable = fstat(ARCHIVE_FD, &found) == 0 && S_ISREG(found.st_mode);
    archive_size = seekable ? (uint64_t)found.st_size : 0;
    if (seekable && headers_only)
        window = HEADER_WINDOW;
}

uint64_t input_size(void)
{
    return archive_size;
}

uint64_t input_offset(void)
{
    return offset;
}

static ssize_t get(void *to, size_t size)
{
    ssize_t got;
    do
        got = seekable ? pread(ARCHIVE_FD, to, size, (off_t)offset) : read(ARCHIVE_FD, to, size);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        fail_store("read", TEXT("the archive"), errno);
    return got;
}

/* At least `wanted` bytes in the buffer, if the archive has them. */
static bool fill(size_t wanted)
{
    if (end - at >= wanted)
        return true;
    memmove(buffer, buffer + at, end - at);
    end -= at;
    at = 0;
    while (end < wanted) {
        uint64_t here = offset;
        offset += end;
        ssize_t got = get(buffer + end, window - end);
        offset = here;
        if (!got)
            return false;
        end += (size_t)got;
    }
    return true;
}

static void take(size_t size)
{
    at += size;
    offset += size;
}

struct text input_some(uint64_t limit)
{
    if (at == end && !fill(1))
        return (struct text){NULL, 0};
    size_t size = end - at < limit ? end - at : (size_t)limit;
    struct text some = {(const char *)buffer + at, size};
    take(size);
    return some;
}

const uint8_t *input_block(bool *cut)
{
    *cut = false;
    if (!fill(512)) {
        *cut = end != at;
        return NULL;
    }
    const uint8_t *block = buffer + at;
    take(512);
    return block;
}

bool input_copy(char *to, size_t size)
{
    while (size) {
        struct text some = input_some(size);
        if (!some.size)
            return false;
        memcpy(to, some.data, some.size);
        to += some.size;
        size -= some.size;
    }
    return true;
}

bool input_skip(uint64_t size)
{
    uint64_t here = end - at < size ? end - at : size;
    take((size_t)here);
    size -= here;
    if (!size)
        return true;
    if (seekable) {
        offset += size;
        return offset <= archive_size;
    }
    while (size) {
        struct text some = input_some(size);
        if (!some.size)
            return false;
        size -= some.size;
    }
    return true;
}

static bool write_all(int fd, const char *data, size_t size, int *error)
{
    while (size) {
        ssize_t sent = write(fd, data, size);
        if (sent < 0) {
            if (errno == EINTR)
                continue;
            *error = errno;
            return false;
        }
        data += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool input_into(int fd, uint64_t size, int *error)
{
    *error = 0;
    while (size) {
        if (at == end && !seekable && size >= WORTH_SPLICING) {
            ssize_t moved = splice(ARCHIVE_FD, NULL, fd, NULL, size < 1 << 20 ? (size_t)size : 1 << 20, SPLICE_F_MOVE);
            if (moved > 0) {
                offset += (uint64_t)moved;
                size -= (uint64_t)moved;
                continue;
            }
            if (moved == 0)
                return false;
            if (errno != EINVAL && errno != EINTR) {
                *error = errno;
                return false;
            }
        }
        struct text some = input_some(size);
        if (!some.size)
            return false;
        if (!write_all(fd, some.data, some.size, error))
            return false;
        size -= some.size;
    }
    return true;
}

void input_drain(void)
{
    if (seekable)
        return;
    while (input_some(WINDOW).size)
        ;
}
