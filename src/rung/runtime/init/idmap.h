/* Whose ids a new user namespace has. */
#pragma once

#include "plan.h"

/* Writes `size` bytes to a host file in one write; -errno on failure. */
long write_to(const char *path, const void *data, size_t size);
/* Gives the process its maps (empty: none), after setgroups is denied in its namespace where `deny` says so. */
void map_ids(int pid, const struct text *uid_map, const struct text *gid_map, bool deny);
