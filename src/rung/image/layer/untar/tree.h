/* A layer as a tree in memory, for whoever writes an index of it. */
#pragma once

#include "untar.h"

struct dentry {
    struct text name;
    struct node *node; /* NULL where it was removed */
    struct node *in;
    struct dentry *next;
};

/* An inode. `xattrs` as EROFS has them, one behind the other. */
struct node {
    uint32_t mode, uid, gid, links, device;
    int64_t size;
    struct moment mtime;
    uint64_t at; /* of a file's data in the archive */
    struct text target, xattrs;
    struct segment *segments; /* of a sparse file */
    size_t segment_count;
    bool sparse, opaque;
    struct node *parent; /* of a directory */
    struct dentry *children;
    size_t child_count;
    /* The writer's: where it is in the index, and the entries in order. */
    uint64_t place, data_place;
    struct dentry **sorted;
};

struct node *tree_root(void);
struct node *tree_find(struct text path);
/* One more attribute; 0 or a negated errno. */
int add_xattr(struct text *to, mode_t mode, struct text name, struct text value);
