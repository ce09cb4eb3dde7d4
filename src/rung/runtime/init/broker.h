/* A helper with the caller's rights, for the mounts of a container in a user namespace. */
#pragma once

#include "kernel.h"

/* The inner process's: a detached clone of `source`, mapped by the user namespace in slot `idmap`
 * (SLOT_NONE: not), or -errno; `mapping` tells that it was the mapping that failed. */
int broker_ask(const char *source, uint64_t how, uint64_t idmap, bool recursive, bool *mapping);
/* The inner process's: there will be no more questions. */
void broker_dismiss(void);
/* The outer process's: it ends after the broker, whose parent it is. */
void broker_outlive(void);
