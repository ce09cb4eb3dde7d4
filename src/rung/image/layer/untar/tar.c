/* POSIX.1-2017 pax ("ustar Interchange Format", "pax Header Block"); GNU tar manual, "Basic Tar Format".
 * Where readers differ, this one does as Go's archive/tar, which is what the field unpacks with:
 * headers of links, directories and devices have no data. Whatever does not parse is an error.
 *
 * Python's layer/tar.py reads the same for what is not unpacked; both say the same words.
 */
#include "tar.h"

#include "input.h"

#define SIZE_LIMIT ((int64_t)1 << 62)
#define ID_LIMIT (((int64_t)1 << 32) - 1)
#define TIME_LIMIT ((int64_t)1 << 33) /* beyond it (2242) docker takes the time for nonsense too */

static const uint8_t zero[512];
static uint64_t data_end, next_header; /* offsets in the archive */

static struct text until_nul(const uint8_t *field, size_t size)
{
    return (struct text){(const char *)field, strnlen((const char *)field, size)};
}

int64_t header_number(const uint8_t *field, size_t size, const char *what)
{
    if (field[0] & 0x80) { /* GNU: a big-endian binary number, two's complement */
        __int128 value = field[0] & 0x7f;
        for (size_t i = 1; i < size; i++)
            value = value << 8 | field[i];
        if (field[0] & 0x40)
            value -= (__int128)1 << (8 * size - 1);
        return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
    }
    size_t from = 0, to = size;
    while (from < to && (field[from] == ' ' || field[from] == 0))
        from++;
    for (size_t i = from; i < to; i++)
        if (!field[i])
            to = i;
    while (to > from && field[to - 1] == ' ')
        to--;
    uint64_t value = 0;
    for (size_t i = from; i < to; i++) {
        if (field[i] < '0' || field[i] > '7')
            fail_archive("has a broken header: %s '%.*s' is no number", what, (int)size, (const char *)field);
        value = value * 8 + field[i] - '0'; /* twelve digits at most */
    }
    return (int64_t)value;
}

int64_t decimal_number(struct text digits, struct text what)
{
    bool negative = digits.size && digits.data[0] == '-';
    size_t count = digits.size - negative;
    bool good = count && count <= 20;
    __int128 value = 0;
    for (size_t i = negative; good && i < digits.size; i++) {
        good = digits.data[i] >= '0' && digits.data[i] <= '9';
        value = value * 10 + digits.data[i] - '0';
    }
    if (!good)
        fail_archive("has the PAX record %.*s with '%.*s', no number", (int)what.size, what.data,
                     (int)(digits.size < 100 ? digits.size : 100), digits.data);
    value = negative ? -value : value;
    return value > INT64_MAX ? INT64_MAX : value < INT64_MIN ? INT64_MIN : (int64_t)value;
}

/* The sum of the header's bytes, its own field taken as blanks; some old writers summed signed characters. */
static void check_sum(const uint8_t *header)
{
    int64_t stored = header_number(header + 148, 8, "checksum"), sum = 8 * ' ', high = 0;
    for (int i = 0; i < 512; i++) {
        if (i >= 148 && i < 156)
            continue;
        sum += header[i];
        high += header[i] > 127;
    }
    if (stored != sum && stored != sum - 256 * high)
        fail_archive("has a broken header: its checksum is wrong");
}

static const uint8_t *block(void)
{
    bool cut;
    const uint8_t *found = input_block(&cut);
    if (cut)
        fail_archive("is cut off in the middle of a header");
    return found;
}

static const uint8_t *next_block(void)
{
    if (input_offset() < data_end && !input_skip(data_end - input_offset()))
        fail_archive("is cut off in the middle of a file's data");
    if (input_offset() < next_header && !input_skip(next_header - input_offset()))
        fail_archive("is cut off in the middle of padding");
    const uint8_t *header = block();
    if (!header || memcmp(header, zero, 512) != 0)
        return header;
    /* "Two 512-octet blocks filled with binary zeros" end an archive; one suffices if nothing follows. */
    header = block();
    if (header && memcmp(header, zero, 512) != 0)
        fail_archive("goes on behind a block of zeros");
    return NULL;
}

static void expect_data(uint64_t size)
{
    data_end = input_offset() + size;
    next_header = (data_end + 511) & ~(uint64_t)511;
}

/* The data of a header that belongs to others. */
static struct text record(const uint8_t *header)
{
    static char data[RECORD_LIMIT];
    check_sum(header);
    int64_t size = header_number(header + 124, 12, "size");
    if (size < 0 || size > RECORD_LIMIT)
        fail_archive("has an extended header of %lld bytes (at most %d)", (long long)size, RECORD_LIMIT);
    expect_data((uint64_t)size);
    if (!input_copy(data, (size_t)size))
        fail_archive("is cut off in the middle of an extended header");
    return (struct text){data, (size_t)size};
}

static void check_values(struct entry *entry)
{
    if (entry->size < 0 || entry->size >= SIZE_LIMIT)
        fail_layer("entry", entry->name, "has the size %lld", (long long)entry->size);
    if (entry->uid < 0 || entry->uid >= ID_LIMIT || entry->gid < 0 || entry->gid >= ID_LIMIT)
        fail_layer("entry", entry->name, "has the owner %lld:%lld", (long long)entry->uid, (long long)entry->gid);
    if (entry->major < 0 || entry->major >= 1 << 12 || entry->minor < 0 || entry->minor >= 1 << 20)
        fail_layer("entry", entry->name, "has the device number %lld:%lld", (long long)entry->major,
                   (long long)entry->minor);
    if (entry->mtime.s > TIME_LIMIT || entry->mtime.s < -TIME_LIMIT)
        entry->mtime = (struct moment){0, 0};
    if (entry->atime.s < 0 || entry->atime.s > TIME_LIMIT)
        entry->atime = entry->mtime;
}

static enum kind kind_of(uint8_t type, struct text name)
{
    if (type >= HARD_LINK && type <= FIFO)
        return (enum kind)type;
    if (type == 0 && name.size && name.data[name.size - 1] == '/')
        return DIRECTORY; /* before POSIX a directory was a file whose name ends with a slash */
    if (type == 0 || type == '0' || type == '7' || type == 'S')
        return FILE_;
    fail_layer("entry", name, "is of the unknown type '%c', which is not supported in layers", type);
}

static struct text header_name(const uint8_t *header)
{
    static char joined[257];
    struct text name = until_nul(header, 100), prefix = until_nul(header + 345, 155);
    if (memcmp(header + 257, "ustar", 6) != 0 || !prefix.size)
        return name;
    memcpy(joined, prefix.data, prefix.size);
    joined[prefix.size] = '/';
    memcpy(joined + prefix.size + 1, name.data, name.size);
    return (struct text){joined, prefix.size + 1 + name.size};
}

static void read_entry(struct entry *entry, const uint8_t *header)
{
    uint8_t type = header[156];
    check_sum(header);
    *entry = (struct entry){.name = header_name(header), .link = until_nul(header + 157, 100)};
    entry->mode = (uint32_t)header_number(header + 100, 8, "mode") & 07777;
    entry->uid = header_number(header + 108, 8, "uid");
    entry->gid = header_number(header + 116, 8, "gid");
    entry->size = header_number(header + 124, 12, "size");
    entry->mtime.s = header_number(header + 136, 12, "mtime");
    entry->atime.s = -1;
    pax_apply(entry);
    entry->kind = kind_of(type, entry->name);
    if (type >= HARD_LINK && type <= FIFO)
        entry->size = 0;
    if (entry->kind == CHAR || entry->kind == BLOCK) {
        entry->major = header_number(header + 329, 8, "device");
        entry->minor = header_number(header + 337, 8, "device");
    }
    check_values(entry);
    entry->stored = (uint64_t)entry->size;
    if (type == 'S')
        sparse_header(header);
    expect_data(entry->stored);
    if (entry->kind == FILE_)
        sparse_finish(entry);
    entry->at = input_offset();
    entry->stored = data_end - entry->at;
}

bool tar_next(struct entry *entry)
{
    static uint8_t header[512]; /* of its own: the input's buffer moves on */
    const uint8_t *found;
    pax_forget();
    sparse_forget();
    while ((found = next_block())) {
        memcpy(header, found, sizeof header);
        struct text data;
        switch (header[156]) {
        case 'x':
        case 'g':
            data = record(header);
            pax_read(data, header[156] == 'g');
            break;
        case 'L':
        case 'K':
            data = record(header);
            pax_add(header[156] == 'L' ? TEXT("path") : TEXT("linkpath"),
                    until_nul((const uint8_t *)data.data, data.size));
            break;
        case 'V': /* a volume's label */
            record(header);
            break;
        default:
            read_entry(entry, header);
            return true;
        }
    }
    if (pax_pending())
        fail_archive("ends after a header that belongs to an entry");
    return false;
}
