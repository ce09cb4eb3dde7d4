/* A set of paths that remembers the order in which they came. */
#pragma once

#include "untar.h"

struct table {
    struct text *items; /* removed ones have no data */
    size_t count, capacity, listed;
    uint32_t *slots; /* index into items, plus one */
    size_t slot_count;
};

uint64_t hash_of(struct text text, uint64_t seed);
void table_add(struct table *table, struct text path);
bool table_has(const struct table *table, struct text path);
bool table_remove(struct table *table, struct text path);
/* What is left, in order; the table is not used any more. */
struct text *table_list(struct table *table, size_t *count);
