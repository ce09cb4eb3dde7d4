/* Where a layer's entries go: onto a file system (disk.c), or into a tree from which an index is
 * written (tree.c). layer.c decides what is to be done; a backend does it and decides nothing.
 *
 * Directories are handles: a descriptor, or a node's number. Verbs give 0 or a negated errno.
 */
#pragma once

#include "untar.h"

/* open_directory: by its path, resolved with all links below the layer's root. One handle a slot: it is valid
 * until that slot is asked for another directory. */
enum slot { PARENT, OTHER, SLOTS };
struct backend {
    long (*open_directory)(enum slot slot, struct text path);
    /* The mode of what is there, links not followed. */
    long (*kind_at)(long directory, struct text name);
    int (*make_directory)(long directory, struct text name, uint32_t mode);
    /* Of a directory that is there; `name` is empty for the handle itself. `fresh`: it has just been made
     * with the entry's mode. */
    int (*describe_directory)(long directory, struct text name, struct text path, const struct entry *entry, bool fresh);
    /* With the data, which comes next in the archive. */
    int (*make_file)(long directory, struct text name, const struct entry *entry);
    int (*make_symlink)(long directory, struct text name, const struct entry *entry);
    int (*make_node)(long directory, struct text name, const struct entry *entry);
    int (*make_link)(long directory, struct text name, long target, struct text target_name);
    int (*make_whiteout)(long directory, struct text name);
    int (*remove_whiteout)(long directory, struct text name);
    int (*make_opaque)(long directory);
    /* All entries have come. `implied` directories are reported from here, parents first. */
    void (*finish)(const struct text *implied, size_t count);
};

extern const struct backend disk, tree;

/* Shared words. */
_Noreturn void cannot_make(struct text path, int error);
/* Whether a layer may bring the attribute: overlayfs's own say what other layers' files are shown where. */
bool may_bring(struct text attribute);
/* What becomes of an attribute that could not be set. */
void no_attribute(const struct entry *entry, const struct xattr *attribute, int error);
