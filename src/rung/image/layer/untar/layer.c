/* A layer, entry by entry: what is to be done, for either backend.
 *
 * Rule: the last part of a path is only ever made new, never followed or replaced. A name that comes twice is
 * an error (as for docker and podman), except for directories. Whiteouts become overlayfs's: a
 * character device 0:0, and an attribute. OCI image specification, layer.md.
 *
 * A layer is complete by itself; the directories that it only implies (it holds usr/bin/x but no entry
 * for usr) are reported, so that whoever stacks it can give them the attributes that they have below.
 */
#include "layer.h"

#include "input.h"
#include "name.h"
#include "table.h"
#include "tar.h"

static const struct backend *to;
static struct table hidden;  /* whiteouts that this layer has made */
static struct table implied; /* directories without an entry (yet), in the order in which they were made */
static uint64_t entries, size_bytes;

void cannot_make(struct text path, int error)
{
    switch (error) {
    case EEXIST:
        fail_layer("entry", path, "comes twice in the archive");
    case ENOSPC:
    case EDQUOT:
    case EROFS:
        fail_store("unpack", path, error);
    case ENOTDIR:
    case ELOOP:
    case ENOENT:
        fail_layer("entry", path, "lies below something that is no directory");
    case EOVERFLOW:
        fail_layer("entry", path, "belongs to an owner that this user namespace does not map");
    default:
        fail_layer("entry", path, "cannot be made: %s", strerror(error));
    }
}

static void check(long result, struct text path)
{
    if (result < 0)
        cannot_make(path, (int)-result);
}

/* Take away the whiteout that this same layer has put where something is to be made. */
static bool unhide(struct text path, struct text last, long parent)
{
    if (!hidden.count || !table_remove(&hidden, path))
        return false;
    check(to->remove_whiteout(parent, last), path);
    return true;
}

/* Make the directories of a path that have no entry. */
static void imply(struct text directory)
{
    for (size_t end = 1; end <= directory.size; end++) {
        if (end < directory.size && directory.data[end] != '/')
            continue;
        struct text last, path = {directory.data, end};
        long found = to->open_directory(OTHER, path);
        if (found >= 0)
            continue;
        if (found != -ENOENT)
            cannot_make(path, (int)-found);
        long above = to->open_directory(OTHER, split(path, &last));
        check(above, path);
        unhide(path, last, above);
        int made = to->make_directory(above, last, 0755);
        if (made == -EEXIST)
            fail_layer("entry", path, "is a link to what this layer does not hold, and has entries below it");
        check(made, path);
        table_add(&implied, path);
    }
}

static long reach(enum slot slot, struct text directory, struct text path)
{
    long found = to->open_directory(slot, directory);
    if (found == -ENOENT) {
        imply(directory);
        found = to->open_directory(slot, directory);
    }
    check(found, path);
    return found;
}

static void opaque(struct text directory)
{
    check(to->make_opaque(reach(OTHER, directory, directory)), directory);
}

static void hide(struct text path)
{
    struct text last, directory = split(path, &last);
    long parent = reach(PARENT, directory, path);
    long found = to->kind_at(parent, last);
    if (found == -ENOENT) {
        check(to->make_whiteout(parent, last), path);
        table_add(&hidden, path);
        return;
    }
    check(found, path);
    /* "MUST only apply to resources in lower layers": what this layer brings stays, alone. */
    if (S_ISDIR(found))
        opaque(path);
}

static void add_directory(struct entry *entry, struct text path, long parent, struct text last, bool was_hidden)
{
    bool fresh = false;
    if (last.size) {
        int made = to->make_directory(parent, last, entry->mode);
        fresh = made == 0;
        if (made < 0 && (made != -EEXIST || !S_ISDIR(to->kind_at(parent, last))))
            cannot_make(path, -made);
    }
    check(to->describe_directory(parent, last, path, entry, fresh), path);
    table_remove(&implied, path);
    if (was_hidden)
        opaque(path);
}

static _Noreturn void no_target(struct text path, struct text target)
{
    fail_layer("hard link", path, "points at %.*s, which is no file of this layer",
               (int)(target.size < 200 ? target.size : 200), target.data);
}

static void add_hard_link(struct entry *entry, struct text path, long parent, struct text last)
{
    struct text target = clean(LINK_SLOT, entry->link, "hard link to"), name;
    if (!target.size)
        fail_layer("hard link", path, "points at the layer's root");
    long above = to->open_directory(OTHER, split(target, &name));
    if (above < 0)
        no_target(path, target);
    long found = to->kind_at(above, name);
    if (found == -ENOENT || (found >= 0 && (S_ISDIR(found) || table_has(&hidden, target))))
        no_target(path, target);
    check(found, path);
    check(to->make_link(parent, last, above, name), path);
}

static void add(struct entry *entry, struct text path)
{
    struct text last, directory = split(path, &last);
    if (!path.size && entry->kind != DIRECTORY)
        fail_layer("entry", entry->name, "would replace the layer's root");
    long parent = reach(PARENT, directory, path);
    bool was_hidden = unhide(path, last, parent);
    switch (entry->kind) {
    case DIRECTORY:
        add_directory(entry, path, parent, last, was_hidden);
        return;
    case FILE_:
        check(to->make_file(parent, last, entry), path);
        size_bytes += (uint64_t)entry->size;
        return;
    case HARD_LINK:
        add_hard_link(entry, path, parent, last);
        return;
    case SYMLINK:
        if (!entry->link.size || entry->link.size > PATH_LIMIT || memchr(entry->link.data, 0, entry->link.size))
            fail_layer("symbolic link", path, "has a target that no link can have");
        check(to->make_symlink(parent, last, entry), path);
        return;
    case CHAR:
    case BLOCK:
    case FIFO:
        check(to->make_node(parent, last, entry), path);
    }
}

bool may_bring(struct text attribute)
{
    if (!starts(attribute, TEXT("trusted.overlay.")) && !starts(attribute, TEXT("user.overlay.")))
        return true;
    note("left out attributes %.*s (they are overlayfs's own)", (int)attribute.size, attribute.data);
    return false;
}

void no_attribute(const struct entry *entry, const struct xattr *attribute, int error)
{
    struct text name = attribute->name;
    int shown = (int)(name.size < 200 ? name.size : 200);
    if ((error != ENOTSUP && error != EPERM) || same(name, TEXT("security.capability")))
        fail_layer("entry", entry->name, "attribute %.*s: %s", shown, name.data, strerror(error));
    note("left out attributes %.*s (%s)", shown, name.data, strerror(error));
}

void unpack_layer(const struct backend *backend)
{
    struct entry entry;
    to = backend;
    table_add(&implied, TEXT(""));
    while (tar_next(&entry)) {
        struct text subject, path = clean(NAME_SLOT, entry.name, "entry");
        switch (classify(path, &subject)) {
        case IGNORED:
            break;
        case OPAQUE:
            opaque(subject);
            break;
        case WHITEOUT:
            hide(subject);
            break;
        case PLAIN:
            add(&entry, path);
            entries++;
        }
    }
    input_drain();
    size_t count;
    struct text *left = table_list(&implied, &count);
    to->finish(left, count);
    report_done(entries, size_bytes);
}
