/* An EROFS image that holds everything of a layer but its files' data, which stay in the archive: the second
 * device of the image, mounted with -o device=ARCHIVE. What mkfs.erofs --tar=i makes.
 * Linux, Documentation/filesystems/erofs.rst and fs/erofs/erofs_fs.h.
 *
 * Blocks are 512 bytes, as tar's are, so that any file's data begin with a block. Inodes are the long
 * form, each within one block together with what is inline (a link's target, a small directory); directories
 * are placed before what is in them, and everything is written in one go from front to end.
 */
#include "erofs.h"

#include "input.h"

enum {
    BLOCK_BITS = 9,
    BLOCK_BYTES = 1 << BLOCK_BITS,
    SUPER_AT = 1024,
    DEVICE_SLOT = 128,
    DEVICES_AT = SUPER_AT + 128,
    FIRST_INODE = DEVICES_AT + DEVICE_SLOT,
    INODE = 64,
    INODE_UNIT = 32, /* an inode's number counts these */
    DIRENT = 12,
    CHUNK_INDEX = 8,
    CHUNK_LIMIT = 1 << 20,
    CHUNK_BITS_LIMIT = 0x1f,
    CHUNK_INDEXES = 0x20,
    FLAT_PLAIN = 0,
    FLAT_INLINE = 2,
    CHUNK_BASED = 4,
    XATTR_HEADER = 12,
};

#define MAGIC 0xE0F5E1E2u
#define HAS_MTIME 2u                      /* compatible */
#define CHUNKED_FILE_AND_DEVICE_TABLE 12u /* incompatible: 4 and 8 */
#define NO_ADDRESS 0xffffffffu

/* --- attributes ---------------------------------------------------------------------------- */

static const struct {
    struct text prefix;
    uint8_t index;
} prefixes[] = {
    {{"user.", 5}, 1},
    {{"system.posix_acl_access", 23}, 2},
    {{"system.posix_acl_default", 24}, 3},
    {{"trusted.", 8}, 4},
    {{"security.", 9}, 6},
};

/* vfs_caps: version 2 or 3 in the first word, and the size that belongs to it. */
static bool is_capability(struct text value)
{
    uint32_t magic = 0;
    if (value.size >= sizeof magic)
        memcpy(&magic, value.data, sizeof magic);
    return (value.size == 20 && magic >> 24 == 2) || (value.size == 24 && magic >> 24 == 3);
}

int add_xattr(struct text *to, mode_t mode, struct text name, struct text value)
{
    size_t which = 0;
    while (which < sizeof prefixes / sizeof *prefixes && !starts(name, prefixes[which].prefix))
        which++;
    if (which == sizeof prefixes / sizeof *prefixes)
        return -ENOTSUP;
    struct text rest = {name.data + prefixes[which].prefix.size, name.size - prefixes[which].prefix.size};
    bool acl = prefixes[which].index == 2 || prefixes[which].index == 3;
    if (acl ? rest.size || S_ISLNK(mode) : !rest.size)
        return acl ? -ENOTSUP : -EINVAL;
    if (prefixes[which].index == 1 && !S_ISREG(mode) && !S_ISDIR(mode))
        return -EPERM; /* as xattr(7) has it */
    if (same(name, TEXT("security.capability")) && (!S_ISREG(mode) || !is_capability(value)))
        return -EINVAL;
    if (name.size > 255)
        return -ERANGE;
    size_t size = (4 + rest.size + value.size + 3) & ~(size_t)3;
    if (value.size > 0xffff || to->size + size > 0xffff * 4)
        return -E2BIG;
    char *all = keep(to->size + size);
    uint8_t head[4] = {(uint8_t)rest.size, prefixes[which].index, (uint8_t)value.size, (uint8_t)(value.size >> 8)};
    if (to->size)
        memcpy(all, to->data, to->size);
    memcpy(all + to->size, head, sizeof head);
    memcpy(all + to->size + 4, rest.data, rest.size);
    memcpy(all + to->size + 4 + rest.size, value.data, value.size);
    *to = (struct text){all, to->size + size};
    return 0;
}

/* --- files ------------------------------------------------------------------------------------ */

static int log2_up(uint64_t value)
{
    return value <= 1 ? 0 : 64 - __builtin_clzll(value - 1);
}

/* How large a file's chunks are, as a power of two of blocks: all of it, or what a sparse file's map allows. */
static int chunk_bits(const struct node *file)
{
    int bits = log2_up((uint64_t)file->size) - BLOCK_BITS;
    uint64_t grain = 0;
    bits = bits < 0 ? 0 : bits > CHUNK_BITS_LIMIT ? CHUNK_BITS_LIMIT : bits;
    if (!file->sparse)
        return bits;
    for (size_t i = 0; i < file->segment_count; i++) {
        struct segment *one = &file->segments[i];
        grain |= one->offset;
        if (one->offset + one->size < (uint64_t)file->size)
            grain |= one->size;
    }
    while (bits && grain & (((uint64_t)1 << (BLOCK_BITS + bits)) - 1))
        bits--;
    return bits;
}

static uint64_t chunk_count(const struct node *file)
{
    uint64_t chunk = (uint64_t)1 << (BLOCK_BITS + chunk_bits(file));
    return ((uint64_t)file->size + chunk - 1) / chunk;
}

bool erofs_can_hold(const struct node *file)
{
    uint64_t stored = 0;
    for (size_t i = 0; i < file->segment_count; i++) {
        struct segment *one = &file->segments[i];
        if (one->size && (one->offset % BLOCK_BYTES || stored % BLOCK_BYTES))
            return false;
        if (one->size % BLOCK_BYTES && one->offset + one->size < (uint64_t)file->size)
            return false;
        stored += one->size;
    }
    return chunk_count(file) <= CHUNK_LIMIT;
}

/* --- places ------------------------------------------------------------------------------------- */

static struct node **order;
static size_t order_count, order_capacity;
static uint64_t end = FIRST_INODE;

static bool comes_first(const struct dentry *a, const struct dentry *b)
{
    struct text x = a->name, y = b->name;
    int result = memcmp(x.data, y.data, x.size < y.size ? x.size : y.size);
    return result ? result < 0 : x.size < y.size;
}

/* Merged from short runs upwards. Not qsort: C libraries' ask the system for the memory's size on the way, or
 * take quadratic time for names that are made for it. */
static void sort_entries(struct dentry **entries, size_t count)
{
    static struct dentry **spare;
    static size_t capacity;
    while (capacity < count)
        spare = grow(spare, &capacity, capacity, sizeof *spare);
    for (size_t run = 1; run < count; run *= 2) {
        for (size_t from = 0; from < count; from += 2 * run) {
            size_t middle = from + run < count ? from + run : count, to = middle + run < count ? middle + run : count;
            size_t left = from, right = middle;
            for (size_t i = from; i < to; i++) {
                bool take_right = left == middle || (right < to && comes_first(entries[right], entries[left]));
                spare[i] = entries[take_right ? right++ : left++];
            }
        }
        memcpy(entries, spare, count * sizeof *entries);
    }
}

/* A directory's entries in order, itself and its parent among them. */
static void sort(struct node *directory)
{
    struct dentry *here = keep(2 * sizeof *here);
    size_t count = 0;
    here[0] = (struct dentry){TEXT("."), directory, directory, NULL};
    here[1] = (struct dentry){TEXT(".."), directory->parent, directory, NULL};
    directory->sorted = keep((directory->child_count + 2) * sizeof *directory->sorted);
    directory->sorted[count++] = &here[0];
    directory->sorted[count++] = &here[1];
    for (struct dentry *one = directory->children; one; one = one->next)
        if (one->node)
            directory->sorted[count++] = one;
    sort_entries(directory->sorted, count);
}

/* How many of a directory's entries from `from` on fit into one block, and what they take. */
static size_t block_of(const struct node *directory, size_t from, size_t *used)
{
    size_t count = directory->child_count + 2, at = from;
    *used = 0;
    while (at < count && *used + DIRENT + directory->sorted[at]->name.size <= BLOCK_BYTES)
        *used += DIRENT + directory->sorted[at++]->name.size;
    return at - from;
}

static int64_t directory_size(const struct node *directory)
{
    size_t used = 0, blocks = 0;
    for (size_t at = 0; at < directory->child_count + 2; blocks++)
        at += block_of(directory, at, &used);
    return (int64_t)((blocks - 1) * BLOCK_BYTES + used);
}

static uint64_t up(uint64_t value, uint64_t unit)
{
    return (value + unit - 1) / unit * unit;
}

static uint64_t head_size(const struct node *node)
{
    return INODE + (node->xattrs.size ? XATTR_HEADER + node->xattrs.size : 0);
}

static void place(struct node *node)
{
    uint64_t head = head_size(node), size = (uint64_t)node->size;
    if (node->opaque) {
        add_xattr(&node->xattrs, node->mode, TEXT("trusted.overlay.opaque"), TEXT("y"));
        head = head_size(node);
    }
    if (S_ISDIR(node->mode)) {
        sort(node);
        node->size = directory_size(node);
        size = (uint64_t)node->size;
    }
    bool has_data = S_ISDIR(node->mode) || S_ISLNK(node->mode);
    bool is_inline = has_data && head + size <= BLOCK_BYTES;
    uint64_t whole = is_inline ? head + size : head;
    if (whole <= BLOCK_BYTES && end % BLOCK_BYTES + whole > BLOCK_BYTES)
        end = up(end, BLOCK_BYTES);
    node->place = end;
    end += head;
    if (is_inline) {
        node->data_place = end;
        end += size;
    } else if (has_data) {
        node->data_place = end = up(end, BLOCK_BYTES);
        end += up(size, BLOCK_BYTES);
    } else if (S_ISREG(node->mode) && size) {
        node->data_place = end = up(end, CHUNK_INDEX);
        end += chunk_count(node) * CHUNK_INDEX;
    }
    end = up(end, INODE_UNIT);
    order = grow(order, &order_capacity, order_count, sizeof *order);
    order[order_count++] = node;
}

static void place_all(void)
{
    place(tree_root());
    for (size_t i = 0; i < order_count; i++)
        for (size_t j = 0; S_ISDIR(order[i]->mode) && j < order[i]->child_count + 2; j++)
            if (!order[i]->sorted[j]->node->place)
                place(order[i]->sorted[j]->node);
}

/* --- writing ---------------------------------------------------------------------------------------- */

static char out[1 << 16];
static size_t out_used;
static uint64_t written;

static void flush(void)
{
    for (size_t at = 0; at < out_used;) {
        ssize_t sent = write(TARGET_FD, out + at, out_used - at);
        if (sent < 0 && errno != EINTR)
            fail_store("write", TEXT("the layer's index"), errno);
        at += sent > 0 ? (size_t)sent : 0;
    }
    written += out_used;
    out_used = 0;
}

static void put(const void *data, size_t size)
{
    const char *from = data;
    while (size) {
        size_t part = sizeof out - out_used < size ? sizeof out - out_used : size;
        if (from)
            memcpy(out + out_used, from, part);
        else
            memset(out + out_used, 0, part);
        out_used += part;
        size -= part;
        from = from ? from + part : NULL;
        if (out_used == sizeof out)
            flush();
    }
}

/* Zeros up to a place. */
static void go_to(uint64_t where)
{
    put(NULL, (size_t)(where - written - out_used));
}

static void put_number(uint64_t value, int bytes)
{
    uint8_t encoded[8];
    for (int i = 0; i < bytes; i++)
        encoded[i] = (uint8_t)(value >> 8 * i);
    put(encoded, (size_t)bytes);
}

static uint64_t number_of(const struct node *node)
{
    return node->place / INODE_UNIT;
}

static void put_super(uint64_t blocks, uint64_t archive_blocks)
{
    go_to(SUPER_AT);
    put_number(MAGIC, 4);
    put_number(0, 4); /* no checksum */
    put_number(HAS_MTIME, 4);
    put_number(BLOCK_BITS, 1);
    put_number(0, 1);
    put_number(number_of(tree_root()), 2);
    put_number(order_count, 8);
    put_number(0, 8); /* epoch: all inodes say their own time */
    put_number(0, 4);
    put_number(blocks, 4);
    put_number(0, 4);        /* inodes are counted from the image's start */
    put_number(0, 4);        /* no shared attributes */
    put(NULL, 16 + 16);      /* the identity is the store's to give */
    put_number(CHUNKED_FILE_AND_DEVICE_TABLE, 4);
    put_number(0, 2);
    put_number(1, 2); /* one more device */
    put_number(DEVICES_AT / DEVICE_SLOT, 2);
    go_to(DEVICES_AT + 64); /* its tag: none */
    put_number(archive_blocks, 4);
}

static uint8_t file_type(const struct node *node)
{
    static const uint8_t types[] = {[S_IFREG >> 12] = 1, [S_IFDIR >> 12] = 2, [S_IFCHR >> 12] = 3,
                                    [S_IFBLK >> 12] = 4, [S_IFIFO >> 12] = 5, [S_IFLNK >> 12] = 7};
    return types[(node->mode & S_IFMT) >> 12];
}

static void put_directory(const struct node *directory)
{
    size_t used, count;
    for (size_t at = 0; at < directory->child_count + 2; at += count) {
        uint64_t began = written + out_used;
        count = block_of(directory, at, &used);
        size_t name_at = count * DIRENT;
        for (size_t i = at; i < at + count; i++) {
            struct dentry *one = directory->sorted[i];
            put_number(number_of(one->node), 8);
            put_number(name_at, 2);
            put_number(file_type(one->node), 1);
            put_number(0, 1);
            name_at += one->name.size;
        }
        for (size_t i = at; i < at + count; i++)
            put(directory->sorted[i]->name.data, directory->sorted[i]->name.size);
        if (at + count < directory->child_count + 2)
            go_to(began + BLOCK_BYTES);
    }
}

static void put_chunks(const struct node *file)
{
    uint64_t chunk = (uint64_t)1 << (BLOCK_BITS + chunk_bits(file)), at = file->at;
    struct segment all = {0, (uint64_t)file->size};
    const struct segment *one = file->sparse ? file->segments : &all;
    size_t left = file->sparse ? file->segment_count : 1;
    for (uint64_t from = 0; from < (uint64_t)file->size; from += chunk) {
        while (left && one->offset + one->size <= from) {
            at += one->size;
            one++;
            left--;
        }
        bool hole = !left || one->offset > from;
        put_number(0, 2);
        put_number(hole ? 0 : 1, 2); /* the device */
        put_number(hole ? NO_ADDRESS : (at + from - one->offset) >> BLOCK_BITS, 4);
    }
}

static void put_inode(const struct node *node, uint32_t number)
{
    bool chunked = S_ISREG(node->mode) && node->size, has_data = S_ISDIR(node->mode) || S_ISLNK(node->mode);
    bool is_inline = has_data && node->data_place == node->place + head_size(node) &&
                     head_size(node) + (uint64_t)node->size <= BLOCK_BYTES;
    int format = chunked ? CHUNK_BASED : is_inline ? FLAT_INLINE : FLAT_PLAIN;
    uint32_t special = chunked ? CHUNK_INDEXES | (uint32_t)chunk_bits(node)
                       : has_data ? (is_inline ? 0 : (uint32_t)(node->data_place >> BLOCK_BITS))
                                  : node->device;
    go_to(node->place);
    put_number(1 | (unsigned)format << 1, 2);
    put_number(node->xattrs.size ? 1 + node->xattrs.size / 4 : 0, 2);
    put_number(node->mode, 2);
    put_number(0, 2);
    put_number((uint64_t)node->size, 8);
    put_number(special, 4);
    put_number(number, 4);
    put_number(node->uid, 4);
    put_number(node->gid, 4);
    put_number((uint64_t)node->mtime.s, 8);
    put_number(node->mtime.ns, 4);
    put_number(node->links, 4);
    put(NULL, 16);
    if (node->xattrs.size) {
        put(NULL, XATTR_HEADER);
        put(node->xattrs.data, node->xattrs.size);
    }
    if (!chunked && !has_data)
        return;
    go_to(node->data_place);
    if (S_ISDIR(node->mode))
        put_directory(node);
    else if (S_ISLNK(node->mode))
        put(node->target.data, node->target.size);
    else
        put_chunks(node);
}

void erofs_write(void)
{
    place_all();
    end = up(end, 4096);
    uint64_t archive_blocks = up(input_size(), BLOCK_BYTES) >> BLOCK_BITS;
    if (archive_blocks >= NO_ADDRESS || end >> BLOCK_BITS >= NO_ADDRESS)
        fail_unfit(TEXT(""), "is larger than an index can point at");
    put_super(end >> BLOCK_BITS, archive_blocks);
    for (size_t i = 0; i < order_count; i++)
        put_inode(order[i], (uint32_t)i + 1);
    go_to(end);
    flush();
}
