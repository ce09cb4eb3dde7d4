/* PAX records: "%d %s=%s\n", length (its own digits included), keyword, value.
 *
 * Rule: records hold in the order in which they came, so that the last of a kind wins, as an
 * entry's own do over the archive's. An empty value leaves what the header says.
 */
#include "tar.h"

enum { ATTRIBUTE_LIMIT = 1024 }; /* the kernel lists no more than 64 KiB of names */

struct record {
    struct text key, value;
};

/* Texts lie in `bytes`, which never moves. What is not used of it costs nothing. */
struct records {
    char bytes[2 * RECORD_LIMIT];
    size_t used, count, capacity;
    struct record *all;
};

static struct records own, global;

static struct text add_bytes(struct records *to, struct text text)
{
    if (to->used + text.size > sizeof to->bytes)
        fail_archive("has more than %zu bytes of extended headers for one entry", sizeof to->bytes);
    char *place = to->bytes + to->used;
    memcpy(place, text.data, text.size);
    to->used += text.size;
    return (struct text){place, text.size};
}

static void add(struct records *to, struct text key, struct text value)
{
    to->all = grow(to->all, &to->capacity, to->count, sizeof *to->all);
    to->all[to->count++] = (struct record){key, value};
}

void pax_add(struct text key, struct text value)
{
    add(&own, key, add_bytes(&own, value));
}

bool pax_pending(void)
{
    return own.count > 0;
}

void pax_forget(void)
{
    own.count = own.used = 0;
}

static bool has_nul(struct text text)
{
    return memchr(text.data, 0, text.size) != NULL;
}

static struct text tail(struct text text, size_t from)
{
    return (struct text){text.data + from, text.size - from};
}

/* The size of the record that text begins with; 0 where it begins with none. */
static size_t one(struct text text, struct record *record)
{
    size_t length = 0, digits = 0;
    while (digits < text.size && digits < 9 && text.data[digits] >= '0' && text.data[digits] <= '9')
        length = length * 10 + (size_t)(text.data[digits++] - '0');
    if (!digits || digits >= text.size || text.data[digits] != ' ' || length > text.size || length < digits + 3)
        return 0;
    struct text key = {text.data + digits + 1, length - digits - 2}; /* without blank and newline */
    const char *equals = memchr(key.data, '=', key.size);
    if (text.data[length - 1] != '\n' || !equals || equals == key.data)
        return 0;
    record->value = (struct text){equals + 1, (size_t)(key.data + key.size - equals - 1)};
    record->key = (struct text){key.data, (size_t)(equals - key.data)};
    if (has_nul(record->key) || (has_nul(record->value) && !starts(record->key, TEXT("SCHILY.xattr."))))
        return 0;
    return length;
}

void pax_read(struct text given, bool is_global)
{
    struct records *to = is_global ? &global : &own;
    struct text text = add_bytes(to, given);
    while (text.size) {
        struct record record;
        if (!text.data[0]) { /* some writers pad with NULs */
            for (size_t i = 0; i < text.size; i++)
                if (text.data[i])
                    fail_archive("has a broken PAX header");
            return;
        }
        size_t size = one(text, &record);
        if (!size)
            fail_archive("has a broken PAX header");
        add(to, record.key, record.value);
        text = tail(text, size);
    }
}

static struct moment moment(struct text value)
{
    const char *dot = memchr(value.data, '.', value.size);
    struct text seconds = {value.data, dot ? (size_t)(dot - value.data) : value.size};
    struct text fraction = dot ? tail(value, seconds.size + 1) : TEXT("");
    struct moment found = {seconds.size ? decimal_number(seconds, TEXT("time")) : 0, 0};
    for (size_t i = 0; i < fraction.size; i++)
        if (fraction.data[i] < '0' || fraction.data[i] > '9')
            fail_archive("has a PAX time '%.*s' that is no number", (int)(value.size < 100 ? value.size : 100),
                         value.data);
    for (size_t i = 0; i < 9; i++)
        found.ns = found.ns * 10 + (i < fraction.size ? (uint32_t)(fraction.data[i] - '0') : 0);
    if (value.size && value.data[0] == '-' && found.ns && found.s > INT64_MIN) {
        found.s--;
        found.ns = 1000000000 - found.ns;
    }
    return found;
}

static void set_attribute(struct entry *entry, struct text name, struct text value)
{
    static struct xattr held[ATTRIBUTE_LIMIT];
    entry->xattrs = held;
    for (size_t i = 0; i < entry->xattr_count; i++)
        if (same(held[i].name, name)) {
            held[i].value = value;
            return;
        }
    if (entry->xattr_count == ATTRIBUTE_LIMIT)
        fail_layer("entry", entry->name, "has more than %d extended attributes", ATTRIBUTE_LIMIT);
    held[entry->xattr_count++] = (struct xattr){name, value};
}

static void apply(struct entry *entry, const struct record *record)
{
    struct text key = record->key, value = record->value;
    if (starts(key, TEXT("SCHILY.xattr.")))
        set_attribute(entry, tail(key, sizeof "SCHILY.xattr." - 1), value);
    else if (!value.size)
        return;
    else if (starts(key, TEXT("GNU.sparse.")))
        sparse_record(tail(key, sizeof "GNU.sparse." - 1), value);
    else if (same(key, TEXT("path")))
        entry->name = value;
    else if (same(key, TEXT("linkpath")))
        entry->link = value;
    else if (same(key, TEXT("size")))
        entry->size = decimal_number(value, key);
    else if (same(key, TEXT("uid")))
        entry->uid = decimal_number(value, key);
    else if (same(key, TEXT("gid")))
        entry->gid = decimal_number(value, key);
    else if (same(key, TEXT("mtime")))
        entry->mtime = moment(value);
    else if (same(key, TEXT("atime")))
        entry->atime = moment(value);
}

void pax_apply(struct entry *entry)
{
    for (size_t i = 0; i < global.count; i++)
        apply(entry, &global.all[i]);
    for (size_t i = 0; i < own.count; i++)
        apply(entry, &own.all[i]);
}
