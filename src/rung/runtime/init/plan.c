/* A bounds-checked reader of the plan file.
 *
 * The runtime writes the file, so a bad one is a bug rather than an attack; it is
 * still an error and never a crash. Nothing is copied: strings are used where they lie,
 * each with its NUL.
 */
#include "plan.h"

#include "call.h"
#include <sys/mman.h>

static const struct {
    uint16_t code;
    enum step_side side;
    const char *name, *wire;
    void (*verb)(const union argument *given);
} kinds[] = {
#define STEP_KIND(code, name, verb, wire, side) {code, side, #name, wire, verb},
    STEPS(STEP_KIND)
#undef STEP_KIND
};

static uint64_t padded(uint64_t length) { return (length + 7) & ~7ULL; }

static uint32_t word(const unsigned char *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

const char *plan_open(struct plan *plan, int fd)
{
    struct stat st;
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0)
        return "the plan's descriptor is not open";
    if (st.st_size < (off_t)sizeof(struct header) || st.st_size > UINT32_MAX)
        return "the plan file has no header";
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        return "the plan file cannot be mapped for writing";
    const struct header *header = map;
    if (memcmp(header->magic, "RUNGPLAN", 8) != 0)
        return "the file is not a plan";
    if (header->version != 1)
        return "the plan has a version this rung-init does not know";
    uint64_t ledger_end = (uint64_t)header->ledger_at + sizeof(struct ledger) + (uint64_t)header->steps * 8 +
                          (uint64_t)header->capacity * sizeof(struct call_record);
    if (header->size > st.st_size || ledger_end > header->size)
        return "the plan file is shorter than its header says";
    if (header->steps_at < sizeof *header || header->steps_at > header->ledger_at ||
        (header->steps_at | header->ledger_at) & 7)
        return "the plan's offsets are wrong";
    char *base = map;
    plan->header = header;
    plan->ledger = (struct ledger *)(base + header->ledger_at);
    plan->began = (uint64_t *)(plan->ledger + 1);
    plan->calls = (struct call_record *)(plan->began + header->steps);
    plan->count = header->steps;
    plan->next_at = header->steps_at;
    return NULL;
}

/* A length-prefixed string at *at; false when it does not end before `end`. */
static bool take_text(const unsigned char **at, const unsigned char *end, struct text *text)
{
    if (end - *at < 8)
        return false;
    uint64_t length = word(*at), room = padded(length + 5);
    if (room > (uint64_t)(end - *at))
        return false;
    text->data = (const char *)*at + 4;
    text->length = (uint32_t)length;
    *at += room;
    return text->data[length] == 0;
}

static bool take_string(const unsigned char **at, const unsigned char *end, struct text *text)
{
    return take_text(at, end, text) && memchr(text->data, 0, text->length) == NULL;
}

static bool take_list(const unsigned char **at, const unsigned char *end, char letter, struct list *list)
{
    if (end - *at < 8)
        return false;
    list->count = word(*at);
    list->at = *at += 8;
    if (list->count > (uint64_t)(end - *at) / 8)
        return false;
    if (letter == 'U') {
        *at += 8 * (size_t)list->count;
        return true;
    }
    struct text each;
    for (uint32_t i = 0; i < list->count; i++)
        if (!take_string(at, end, &each))
            return false;
    return true;
}

static bool take(const unsigned char **at, const unsigned char *end, char letter, union argument *argument)
{
    switch (letter) {
    case 'u':
    case 'i':
        if (end - *at < 8)
            return false;
        memcpy(&argument->u, *at, 8);
        *at += 8;
        return true;
    case 's':
        return take_string(at, end, &argument->s);
    case 'b':
        return take_text(at, end, &argument->s);
    default:
        return take_list(at, end, letter, &argument->l);
    }
}

const char *plan_step(const struct plan *plan, uint32_t *at, struct step *step)
{
    const unsigned char *base = (const unsigned char *)plan->header;
    const unsigned char *limit = base + plan->header->ledger_at, *from = base + *at;
    if (limit - from < 8)
        return "the plan ends within a step";
    memcpy(&step->code, from, 2);
    uint32_t length = word(from + 4);
    from += 8;
    if (length > (uint64_t)(limit - from) || length & 7)
        return "the plan ends within a step";
    *at += 8 + length;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (kinds[i].code != step->code)
            continue;
        step->name = kinds[i].name;
        step->side = kinds[i].side;
        step->verb = kinds[i].verb;
        const unsigned char *end = from + length;
        for (size_t n = 0; kinds[i].wire[n]; n++)
            if (!take(&from, end, kinds[i].wire[n], &step->given[n]))
                return "a step's arguments do not fit its length";
        return from == end ? NULL : "a step has more arguments than it takes";
    }
    return "a step has a code this rung-init does not know";
}

const char *plan_check_steps(const struct plan *plan, uint32_t *bad)
{
    uint32_t at = plan->next_at;
    struct step step;
    for (*bad = 0; *bad < plan->count; ++*bad) {
        const char *wrong = plan_step(plan, &at, &step);
        if (wrong)
            return wrong;
    }
    return NULL;
}

const char *list_string(struct list *list)
{
    const char *string = (const char *)list->at + 4;
    list->at += padded((uint64_t)word(list->at) + 5);
    list->count--;
    return string;
}

const char **list_vector(struct list list, uint32_t spare)
{
    size_t size = ((size_t)list.count + spare + 1) * sizeof(char *);
    const char **vector = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (vector == MAP_FAILED)
        FAIL(ENOMEM, "a list of strings");
    for (size_t i = 0; list.count; i++)
        vector[i] = list_string(&list);
    return vector;
}

const uint64_t *list_integers(struct list list) { return (const uint64_t *)(const void *)list.at; }
