/* Files with holes: GNU's old header ('S'), and its PAX forms 0.0, 0.1 and 1.0.
 * GNU tar manual, "Storing Sparse Files".
 *
 * Rule: a map is ascending, does not overlap, ends within the file, and stands for exactly the
 * bytes that are stored.
 */
#include "input.h"
#include "tar.h"

enum { SEGMENT_LIMIT = RECORD_LIMIT / 4 }; /* as many as a map of that size can hold */

static struct segment *segments;
static size_t count, capacity;
static bool seen, old;
static int64_t real_size, major, minor;
static struct text name;

void sparse_forget(void)
{
    count = 0;
    seen = old = false;
    real_size = -1;
    major = minor = 0;
    name.size = 0;
}

static void add(int64_t offset, int64_t size)
{
    if (count == SEGMENT_LIMIT)
        fail_archive("has a sparse file of more than %d parts", SEGMENT_LIMIT);
    segments = grow(segments, &capacity, count, sizeof *segments);
    segments[count++] = (struct segment){(uint64_t)offset, (uint64_t)size};
}

/* One of the header's or its continuations' pairs of fields; false behind the last. */
static bool old_pair(const uint8_t *field)
{
    if (!field[0])
        return false;
    int64_t offset = header_number(field, 12, "sparse offset");
    add(offset, header_number(field + 12, 12, "sparse size"));
    return true;
}

void sparse_header(const uint8_t *header)
{
    seen = old = true;
    real_size = header_number(header + 483, 12, "real size");
    for (int i = 0; i < 4 && old_pair(header + 386 + 24 * i); i++)
        ;
    for (bool more = header[482]; more;) {
        bool cut;
        const uint8_t *next = input_block(&cut);
        if (!next)
            fail_archive("is cut off in the middle of a sparse file's map");
        more = next[504];
        for (int i = 0; i < 21 && old_pair(next + 24 * i); i++)
            ;
    }
}

/* Version 0.1: "offset,size,offset,size..." */
static void map_of(struct text value)
{
    int64_t pair[2];
    int at = 0;
    count = 0;
    while (true) {
        const char *comma = memchr(value.data, ',', value.size);
        size_t size = comma ? (size_t)(comma - value.data) : value.size;
        pair[at] = decimal_number((struct text){value.data, size}, TEXT("GNU.sparse.map"));
        if (at)
            add(pair[0], pair[1]);
        at = !at;
        if (!comma)
            break;
        value = (struct text){comma + 1, value.size - size - 1};
    }
    if (at)
        fail_archive("has a sparse file with a broken map");
}

void sparse_record(struct text key, struct text value)
{
    static int64_t offset;
    seen = true;
    if (same(key, TEXT("name")))
        name = value;
    else if (same(key, TEXT("major")))
        major = decimal_number(value, key);
    else if (same(key, TEXT("minor")))
        minor = decimal_number(value, key);
    else if (same(key, TEXT("size")) || same(key, TEXT("realsize")))
        real_size = decimal_number(value, key);
    else if (same(key, TEXT("offset")))
        offset = decimal_number(value, key);
    else if (same(key, TEXT("numbytes")))
        add(offset, decimal_number(value, key));
    else if (same(key, TEXT("map")))
        map_of(value);
}

/* Version 1.0: the map is the data's first blocks, a number a line. */
static void map_before_data(struct entry *entry)
{
    uint64_t end = input_offset() + entry->stored;
    int64_t value = 0, wanted = -1, offset = 0;
    bool digits = false, second = false, started = false;
    count = 0;
    while (wanted < 0 || (int64_t)count < wanted) {
        bool cut;
        const uint8_t *block = input_offset() + 512 <= end ? input_block(&cut) : NULL;
        for (int i = 0; block && i < 512 && (wanted < 0 || (int64_t)count < wanted); i++) {
            if (block[i] >= '0' && block[i] <= '9' && value < (int64_t)1 << 58) {
                value = value * 10 + block[i] - '0';
                digits = true;
                continue;
            }
            if (block[i] != '\n' || !digits)
                fail_archive("has a sparse file with a broken map");
            if (wanted < 0)
                wanted = value;
            else if (second)
                add(offset, value);
            else
                offset = value;
            second = started && !second;
            started = true;
            value = 0;
            digits = false;
        }
        if (!block)
            fail_archive("has a sparse file with a broken map");
    }
    entry->stored = end - input_offset();
}

void sparse_finish(struct entry *entry)
{
    if (!seen)
        return;
    if (!old && major == 1 && minor == 0)
        map_before_data(entry);
    else if (!old && (major || minor > 1))
        fail_layer("entry", entry->name, "is a sparse file of the unknown form %lld.%lld", (long long)major,
                   (long long)minor);
    if (name.size)
        entry->name = name;
    uint64_t last = 0, sum = 0;
    for (size_t i = 0; i < count; i++) {
        struct segment *one = &segments[i];
        if (one->offset < last || one->size > (uint64_t)1 << 62 || one->offset > (uint64_t)1 << 62)
            fail_layer("entry", entry->name, "is a sparse file with a broken map");
        last = one->offset + one->size;
        sum += one->size;
    }
    if (real_size < 0 || real_size >= (int64_t)1 << 62 || last > (uint64_t)real_size || sum != entry->stored)
        fail_layer("entry", entry->name, "is a sparse file whose map does not fit its data");
    entry->sparse = true;
    entry->size = real_size;
    entry->segments = segments;
    entry->segment_count = count;
}
