/* Where and when the process runs: CPUs, policy, I/O priority, memory nodes. */
#include "call.h"

#define IOPRIO_WHO_PGRP 2

/* The kernel's struct sched_attr of version 1 (linux/sched/types.h); C libraries have none, or another. */
struct sched_words {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
    uint32_t util_min, util_max;
};
_Static_assert(sizeof(struct sched_words) == 56, "SCHED_ATTR_SIZE_VER1");

void set_scheduler(const union argument *given)
{
    struct sched_words words = {
        .size = sizeof words,
        .policy = (uint32_t)given[0].u,
        .flags = given[1].u,
        .nice = (int32_t)given[2].i,
        .priority = (uint32_t)given[3].u,
        .runtime = given[4].u,
        .deadline = given[5].u,
        .period = given[6].u,
    };
    const char *name = given[7].s.data, *refusal = given[8].s.data;
    long r = call(sched_setattr, 0, &words, 0);
    if (r == -EPERM && *refusal)
        FAIL(EPERM, name, ": ", refusal);
    if (r < 0)
        FAIL((int)-r, name);
}

void set_io_priority(const union argument *given)
{
    long r = call(ioprio_set, IOPRIO_WHO_PGRP, 0, given[0].u);
    if (r < 0)
        FAIL((int)-r, "I/O priority ", decimal((int64_t)given[0].u));
}

void set_affinity(const union argument *given)
{
    static uint64_t all[128]; /* NR_CPUS is 8192 at most; the kernel takes what it has of them */
    const struct text *mask = &given[0].s;
    if (mask->length) {
        long r = call(sched_setaffinity, 0, mask->length, mask->data);
        if (r < 0)
            FAIL((int)-r, "CPUs ", given[1].s.data);
        return;
    }
    memset(all, 0xff, sizeof all);
    if (call(sched_setaffinity, 0, sizeof all, all) < 0)
        NOTE("the caller's CPU affinity stays");
}

void set_memory_policy(const union argument *given)
{
    const struct text *nodes = &given[1].s;
    /* The kernel counts one bit less than it is told. */
    uint64_t bits = nodes->length ? nodes->length * 8 + 1 : 0;
    long r = call(set_mempolicy, given[0].u, bits ? nodes->data : NULL, bits);
    if (r < 0)
        FAIL((int)-r, given[2].s.data);
}
