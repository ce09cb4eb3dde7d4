/* The report: messages of a kind (one byte), a length (four, little-endian) and that many bytes.
 *
 *   L, S, U  a failure: operation, object and reason, NUL between them (of the layer, of the
 *            store, unfit for this mode); nothing follows
 *   N        a note
 *   I        an implied directory: eight bytes of its place in the index, then its path
 *   D        done: entries and bytes of files, eight each; nothing follows
 *
 * Rule: nothing is written before the archive has been read to its end, or at a failure: the
 * caller is not reading while it writes the archive. layer/untar.py reads it.
 */
#include "untar.h"

#include <stdarg.h>
#include <stdio.h>

static char *held;
static size_t held_size, held_capacity;

static void put(const void *data, size_t size)
{
    while (held_capacity < held_size + size)
        held = grow(held, &held_capacity, held_capacity, 1);
    if (size)
        memcpy(held + held_size, data, size);
    held_size += size;
}

static void send_held(void)
{
    for (size_t at = 0; at < held_size;) {
        ssize_t sent = write(REPORT_FD, held + at, held_size - at);
        if (sent < 0 && errno != EINTR)
            _exit(2);
        at += sent > 0 ? (size_t)sent : 0;
    }
}

static void message(char kind, const void *first, size_t first_size, const void *second, size_t second_size)
{
    uint32_t size = (uint32_t)(first_size + second_size);
    put(&kind, 1);
    put(&size, 4);
    put(first, first_size);
    put(second, second_size);
}

static _Noreturn void fail(char kind, const char *operation, struct text object, const char *reason)
{
    static char words[8192];
    size_t object_size = object.size < 201 ? object.size : 201; /* one more than is shown */
    int size = snprintf(words, sizeof words, "%s", operation) + 1;
    memcpy(words + size, object.data, object_size);
    for (size_t i = 0; i < object_size; i++)
        if (!words[size + (int)i])
            words[size + (int)i] = '?';
    size += (int)object_size;
    words[size++] = 0;
    size += snprintf(words + size, sizeof words - (size_t)size, "%s", reason);
    held_size = 0;
    message(kind, words, (size_t)size, NULL, 0);
    send_held();
    _exit(1);
}

static const char *formatted(const char *format, va_list values)
{
    static char words[4096];
    vsnprintf(words, sizeof words, format, values);
    return words;
}

void fail_layer(const char *operation, struct text object, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fail('L', operation, object, formatted(format, values));
}

void fail_archive(const char *format, ...)
{
    va_list values;
    va_start(values, format);
    fail('L', "archive", TEXT(""), formatted(format, values));
}

void fail_store(const char *operation, struct text object, int error)
{
    fail('S', operation, object, strerror(error));
}

void fail_unfit(struct text object, const char *reason)
{
    fail('U', "entry", object, reason);
}

void note(const char *format, ...)
{
    static struct text said[64];
    static size_t count;
    va_list values;
    va_start(values, format);
    const char *words = formatted(format, values);
    va_end(values);
    struct text text = {words, strlen(words)};
    for (size_t i = 0; i < count; i++)
        if (same(said[i], text))
            return;
    if (count == sizeof said / sizeof *said)
        return;
    said[count++] = keep_text(text);
    message('N', words, text.size, NULL, 0);
}

void report_implied(struct text path, uint64_t place)
{
    message('I', &place, sizeof place, path.data, path.size);
}

void report_done(uint64_t entries, uint64_t size)
{
    message('D', &entries, sizeof entries, &size, sizeof size);
    send_held();
    _exit(0);
}
