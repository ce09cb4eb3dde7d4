#include "table.h"

/* Keyed by something an archive's maker does not know: crafted names cannot all meet in one slot. */
uint64_t hash_of(struct text text, uint64_t seed)
{
    static uint64_t key;
    if (!key)
        key = (uintptr_t)&key ^ ((uint64_t)getpid() << 32) ^ (uint64_t)(uintptr_t)__builtin_frame_address(0) << 17;
    uint64_t hash = key ^ (seed + 1) * 0x9e3779b97f4a7c15u;
    for (size_t i = 0; i < text.size; i++) {
        hash ^= (uint8_t)text.data[i];
        hash *= 0x100000001b3u;
        hash ^= hash >> 29;
    }
    return hash ^ hash >> 32;
}

static uint32_t *find(const struct table *table, struct text path)
{
    size_t at = hash_of(path, 0) & (table->slot_count - 1);
    while (table->slots[at]) {
        struct text *item = &table->items[table->slots[at] - 1];
        if (item->data && same(*item, path))
            break;
        at = (at + 1) & (table->slot_count - 1);
    }
    return &table->slots[at];
}

static void place_all(struct table *table)
{
    table->slot_count = table->slot_count ? table->slot_count * 2 : 256;
    free(table->slots);
    table->slots = calloc(table->slot_count, sizeof *table->slots);
    if (!table->slots)
        fail_store("unpack", TEXT(""), ENOMEM);
    for (size_t i = 0; i < table->listed; i++)
        if (table->items[i].data)
            *find(table, table->items[i]) = (uint32_t)i + 1;
}

void table_add(struct table *table, struct text path)
{
    if (table->listed * 2 >= table->slot_count)
        place_all(table);
    uint32_t *slot = find(table, path);
    if (*slot)
        return;
    table->items = grow(table->items, &table->capacity, table->listed, sizeof *table->items);
    table->items[table->listed++] = keep_text(path);
    *slot = (uint32_t)table->listed;
    table->count++;
}

bool table_has(const struct table *table, struct text path)
{
    return table->count && *find(table, path);
}

bool table_remove(struct table *table, struct text path)
{
    uint32_t *slot = table->count ? find(table, path) : NULL;
    if (!slot || !*slot)
        return false;
    table->items[*slot - 1].data = NULL; /* its slot stays taken, so that those behind it are found */
    table->count--;
    return true;
}

struct text *table_list(struct table *table, size_t *count)
{
    size_t kept = 0;
    for (size_t i = 0; i < table->listed; i++)
        if (table->items[i].data)
            table->items[kept++] = table->items[i];
    *count = kept;
    return table->items;
}
