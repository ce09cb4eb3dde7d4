#pragma once

#include "tree.h"

/* Whether a sparse file's parts can be pointed at. */
bool erofs_can_hold(const struct node *file);
/* The index of the tree, into TARGET_FD. Each node gets its place. */
void erofs_write(void);
