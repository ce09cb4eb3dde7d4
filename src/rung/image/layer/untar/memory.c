/* Memory that is given back by ending. Small things come from blocks of their own. */
#include "untar.h"

enum { BLOCK_SIZE = 1 << 18, LARGE = 1 << 14 };

void *keep(size_t size)
{
    static char *block;
    static size_t left;
    size = (size + 7) & ~(size_t)7;
    if (size > LARGE) {
        void *own = calloc(1, size);
        if (!own)
            fail_store("unpack", TEXT(""), ENOMEM);
        return own;
    }
    if (left < size) {
        block = calloc(1, BLOCK_SIZE);
        if (!block)
            fail_store("unpack", TEXT(""), ENOMEM);
        left = BLOCK_SIZE;
    }
    void *made = block;
    block += size;
    left -= size;
    return made;
}

struct text keep_text(struct text text)
{
    char *copy = keep(text.size + 1);
    if (text.size)
        memcpy(copy, text.data, text.size);
    copy[text.size] = 0;
    return (struct text){copy, text.size};
}

void *grow(void *array, size_t *capacity, size_t count, size_t item_size)
{
    if (count < *capacity)
        return array;
    size_t wanted = *capacity ? *capacity * 2 : 64;
    void *larger = realloc(array, wanted * item_size);
    if (!larger)
        fail_store("unpack", TEXT(""), ENOMEM);
    *capacity = wanted;
    return larger;
}
