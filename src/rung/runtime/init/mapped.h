/* Id mappings of mounts (MOUNT_ATTR_IDMAP). The mount is detached and no one has seen it. */
#pragma once

#include "plan.h"

/* The bare call, for the broker: -1 and errno. */
long idmap_set(int mount, int userns, bool recursive);
/* Maps by the user namespace in slot `number`; the step fails naming `dest` and `source`. */
void idmap_or_fail(int mount, uint64_t number, bool recursive, const char *dest, const char *source);
_Noreturn void idmap_failed(int error, const char *dest, const char *source);
