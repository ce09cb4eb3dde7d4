/* The plan file as C sees it; the layout is told in plan/wire.py. */
#pragma once

#include "kernel.h"
#include "steps.h"

#define SLOT_NONE 0xFFFF
#define SLOT_START_FIFO 0
#define SLOT_CONSOLE_SOCKET 1
#define SLOT_PRESET 8
#define SLOT_ROOT 8
#define SLOT_PROC 9
#define SLOT_NULL 256            /* MaskPath's own, above the plan's: the null device, */
#define SLOT_EMPTY_DIRECTORY 257 /* and a mount of nothing */
#define SLOT_BROKER 258          /* StartBroker's socket */
#define SLOT_COUNT 259

enum ledger_state { NOT_BEGUN, OUTER_RUNS, INNER_RUNS, READY, EXECUTING, FAILED };

struct header {
    char magic[8];
    uint32_t version, size, steps, steps_at, ledger_at, capacity;
    int32_t slot[SLOT_PRESET], control, preserved_limit;
};
_Static_assert(sizeof(struct header) == 72, "as wire.py has it");

struct ledger {
    uint32_t state;
    int32_t pid;
    uint32_t current, calls;
    int32_t error_errno;
    uint32_t error_step;
    int32_t error_call;
    uint32_t notes;
    uint64_t epoch;
    char error[256], note[256];
};
_Static_assert(sizeof(struct ledger) == 552, "as wire.py has it");

struct call_record {
    uint16_t step;
    int16_t number;
    int32_t result;
    uint64_t began;
    uint32_t took, zero;
};
_Static_assert(sizeof(struct call_record) == 24, "as wire.py has it");

struct text {
    const char *data; /* ends with a NUL that length does not count */
    uint32_t length;
};

struct list {
    const unsigned char *at;
    uint32_t count;
};

union argument {
    uint64_t u;
    int64_t i;
    struct text s;
    struct list l;
};

struct step {
    uint16_t code;
    const char *name;
    enum step_side side;
    void (*verb)(const union argument *given);
    union argument given[ARGUMENTS_MAX];
};

struct plan {
    const struct header *header;
    struct ledger *ledger;
    uint64_t *began;
    struct call_record *calls;
    uint32_t count, next_at;
};

/* NULL when the file makes a sound plan, else what is wrong with it. */
const char *plan_open(struct plan *plan, int fd);
const char *plan_check_steps(const struct plan *plan, uint32_t *bad);
/* The step at *at, which is moved behind it; NULL, or what is wrong. */
const char *plan_step(const struct plan *plan, uint32_t *at, struct step *step);

/* The next string of a list that plan_step gave. */
const char *list_string(struct list *list);
/* The strings as execve wants them, with room for `spare` more before the NULL. */
const char **list_vector(struct list list, uint32_t spare);
const uint64_t *list_integers(struct list list);
