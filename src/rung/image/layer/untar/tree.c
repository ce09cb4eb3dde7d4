/* The backend that makes nothing: entries become a tree, and the tree an EROFS index (erofs.c) whose files' data
 * stay where they are in the archive. Paths are resolved here as the kernel would below a root. */
#include "tree.h"

#include "backend.h"
#include "erofs.h"
#include "name.h"
#include "table.h"

enum { LINKS_FOLLOWED = 40 }; /* path_resolution(7) */

static struct node root = {.mode = S_IFDIR | 0755, .parent = &root, .links = 2};
static struct dentry **slots;
static size_t slot_count, dentry_count;

struct node *tree_root(void)
{
    return &root;
}

static struct node *node_of(long handle)
{
    return (struct node *)(intptr_t)handle;
}

static struct dentry **find(const struct node *in, struct text name)
{
    size_t at = hash_of(name, (uintptr_t)in) & (slot_count - 1);
    while (slots[at] && (slots[at]->in != in || !same(slots[at]->name, name)))
        at = (at + 1) & (slot_count - 1);
    return &slots[at];
}

static void more_slots(void)
{
    struct dentry **old = slots;
    size_t old_count = slot_count;
    slot_count = old_count ? old_count * 2 : 1024;
    slots = calloc(slot_count, sizeof *slots);
    if (!slots)
        fail_store("unpack", TEXT(""), ENOMEM);
    for (size_t i = 0; i < old_count; i++)
        if (old[i])
            *find(old[i]->in, old[i]->name) = old[i];
    free(old);
}

static struct node *look_up(const struct node *in, struct text name)
{
    struct dentry *found = slot_count ? *find(in, name) : NULL;
    return found ? found->node : NULL;
}

static int enter(struct node *in, struct text name, struct node *node)
{
    if (dentry_count * 2 >= slot_count)
        more_slots();
    struct dentry **slot = find(in, name);
    if (*slot && (*slot)->node)
        return -EEXIST;
    if (!*slot) {
        struct dentry *made = keep(sizeof *made);
        *made = (struct dentry){keep_text(name), NULL, in, in->children};
        in->children = made;
        *slot = made;
        dentry_count++;
    }
    (*slot)->node = node;
    in->child_count++;
    return 0;
}

static struct node *new_node(mode_t kind)
{
    struct node *made = keep(sizeof *made);
    made->mode = kind;
    made->links = S_ISDIR(kind) ? 2 : 1;
    return made;
}

/* --- paths ---------------------------------------------------------------------------- */

/* A path's first part; the rest stays in it. */
static struct text first_part(struct text *path)
{
    while (path->size && path->data[0] == '/')
        path->data++, path->size--;
    const char *slash = memchr(path->data, '/', path->size);
    struct text part = {path->data, slash ? (size_t)(slash - path->data) : path->size};
    path->data += part.size;
    path->size -= part.size;
    return part;
}

static long resolve(struct text path)
{
    static char rests[2][PATH_LIMIT * 2 + 2];
    struct node *at = &root;
    int links = 0;
    while (true) {
        struct text part = first_part(&path);
        if (!part.size)
            return (long)(intptr_t)at;
        if (same(part, TEXT(".")))
            continue;
        if (same(part, TEXT(".."))) {
            at = at->parent;
            continue;
        }
        struct node *next = look_up(at, part);
        if (!next)
            return -ENOENT;
        if (S_ISDIR(next->mode)) {
            at = next;
            continue;
        }
        if (!S_ISLNK(next->mode))
            return -ENOTDIR;
        if (++links > LINKS_FOLLOWED)
            return -ELOOP;
        char *rest = rests[links & 1];
        if (next->target.size + 1 + path.size > sizeof rests[0])
            return -ENAMETOOLONG;
        memcpy(rest, next->target.data, next->target.size);
        rest[next->target.size] = '/';
        memmove(rest + next->target.size + 1, path.data, path.size);
        path = (struct text){rest, next->target.size + 1 + path.size};
        if (next->target.data[0] == '/')
            at = &root;
    }
}

struct node *tree_find(struct text path)
{
    long found = resolve(path);
    return found < 0 ? NULL : node_of(found);
}

static long open_directory(enum slot slot, struct text path)
{
    static char paths[SLOTS][PATH_LIMIT + 1];
    static struct text held[SLOTS];
    static long handles[SLOTS];
    if (handles[slot] && same(held[slot], path))
        return handles[slot];
    long found = resolve(path);
    if (found < 0)
        return found;
    memcpy(paths[slot], path.data, path.size);
    held[slot] = (struct text){paths[slot], path.size};
    return handles[slot] = found;
}

static long kind_at(long directory, struct text name)
{
    struct node *found = look_up(node_of(directory), name);
    return found ? (long)found->mode : -ENOENT;
}

/* --- attributes ------------------------------------------------------------------------- */

static void describe(struct node *node, const struct entry *entry)
{
    node->mode = (node->mode & S_IFMT) | entry->mode;
    node->uid = (uint32_t)entry->uid;
    node->gid = (uint32_t)entry->gid;
    node->mtime = entry->mtime;
    for (size_t i = 0; i < entry->xattr_count; i++) {
        const struct xattr *one = &entry->xattrs[i];
        int result = may_bring(one->name) ? add_xattr(&node->xattrs, node->mode, one->name, one->value) : 0;
        if (result < 0)
            no_attribute(entry, one, -result);
    }
}

/* --- verbs -------------------------------------------------------------------------------- */

static int make_directory(long directory, struct text name, uint32_t mode)
{
    struct node *in = node_of(directory);
    if (look_up(in, name))
        return -EEXIST;
    struct node *made = new_node(S_IFDIR | mode);
    made->parent = in;
    in->links++;
    return enter(in, name, made);
}

static int describe_directory(long directory, struct text name, struct text path, const struct entry *entry, bool fresh)
{
    (void)path;
    (void)fresh;
    struct node *node = name.size ? look_up(node_of(directory), name) : node_of(directory);
    node->xattrs = TEXT("");
    describe(node, entry);
    return 0;
}

static int make(long directory, struct text name, const struct entry *entry, struct node *node)
{
    int result = enter(node_of(directory), name, node);
    if (!result)
        describe(node, entry);
    return result;
}

static int make_file(long directory, struct text name, const struct entry *entry)
{
    struct node *node = new_node(S_IFREG);
    node->size = entry->size;
    node->at = entry->at;
    if (entry->sparse) {
        node->sparse = true;
        node->segment_count = entry->segment_count;
        node->segments = keep(entry->segment_count * sizeof *node->segments + 1);
        if (entry->segment_count)
            memcpy(node->segments, entry->segments, entry->segment_count * sizeof *node->segments);
        if (!erofs_can_hold(node))
            fail_unfit(entry->name, "is a sparse file whose parts are not aligned");
    }
    return make(directory, name, entry, node);
}

static int make_symlink(long directory, struct text name, const struct entry *entry)
{
    struct node *node = new_node(S_IFLNK | 0777);
    node->target = keep_text(entry->link);
    node->size = (int64_t)entry->link.size;
    int result = make(directory, name, entry, node);
    node->mode = S_IFLNK | 0777;
    return result;
}

static int make_node(long directory, struct text name, const struct entry *entry)
{
    struct node *node = new_node(entry->kind == CHAR ? S_IFCHR : entry->kind == BLOCK ? S_IFBLK : S_IFIFO);
    uint32_t major = (uint32_t)entry->major, minor = (uint32_t)entry->minor;
    if (entry->kind != FIFO) /* the kernel's new_encode_dev() */
        node->device = (minor & 0xff) | major << 8 | (minor & ~0xffu) << 12;
    return make(directory, name, entry, node);
}

static int make_link(long directory, struct text name, long target, struct text target_name)
{
    struct node *node = look_up(node_of(target), target_name);
    int result = enter(node_of(directory), name, node);
    if (!result)
        node->links++;
    return result;
}

static int make_whiteout(long directory, struct text name)
{
    return enter(node_of(directory), name, new_node(S_IFCHR));
}

static int remove_whiteout(long directory, struct text name)
{
    struct node *in = node_of(directory);
    (*find(in, name))->node = NULL;
    in->child_count--;
    return 0;
}

static int make_opaque(long directory)
{
    node_of(directory)->opaque = true;
    return 0;
}

static void finish(const struct text *implied, size_t count)
{
    erofs_write();
    for (size_t i = 0; i < count; i++)
        report_implied(implied[i], tree_find(implied[i])->place);
}

const struct backend tree = {
    open_directory, kind_at,   make_directory, describe_directory, make_file,   make_symlink,
    make_node,      make_link, make_whiteout,  remove_whiteout,    make_opaque, finish,
};
