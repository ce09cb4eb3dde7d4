/* The workload's HOME, found by SetHome where the configuration names none. */
#pragma once

#include <stdint.h>

/* Adds it to `env`, which has `count` entries and room for one more, unless it has one. */
void add_home(const char **env, uint32_t count);
