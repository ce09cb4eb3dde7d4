/* Paths inside the container's root are descriptors, never strings of the host's. */
#pragma once

#include "kernel.h"

/* SLOT_ROOT, or this process's own "/" where no step set one. */
int root_fd(void);
/* openat2 inside the root: the descriptor or -errno. */
int path_open(const char *path, uint64_t flags);
/* An O_PATH descriptor of `path`, made where missing, parents too: a directory, or an
 * empty file. -errno on failure. */
int path_make(const char *path, bool file, unsigned mode);
/* The directory that holds the last component, made where missing; `name` is that component. */
int path_parent(const char *path, const char **name);
