/* LoadSeccomp with SCMP_ACT_NOTIFY: the filter's listener goes to the runtime.
 *
 * From the moment that the filter is in force, any call of this thread may wait for an agent
 * who has no listener yet, or be refused: it could not send the listener itself. A filter binds
 * one thread, so a second one, born before, sends it. The two talk by memory only: this one
 * spins, without a system call, for the fraction of a millisecond that it takes.
 *
 * A thread and not a process, since it shares the descriptors, and leaves no zombie to a workload
 * that is not prepared for one.
 */
#include "listener.h"

#include "call.h"
#include "control.h"
#include <linux/seccomp.h>
#include <pthread.h>
#include <time.h>

enum { NOT_YET = -1, FAILED_TO_LOAD = -2, SENDING_S = 10, STACK_BYTES = 1 << 16 };

static struct {
    int listener; /* written by the filtered thread */
    int outcome;  /* written by the other one: 1 sent, or the negated errno */
} handover = {NOT_YET, 0};

/* The unfiltered thread. */
static void *hand_over(void *unused)
{
    const struct timespec moment = {.tv_nsec = 20000};
    int listener;
    (void)unused;
    while ((listener = __atomic_load_n(&handover.listener, __ATOMIC_ACQUIRE)) == NOT_YET)
        syscall(SYS_nanosleep, &moment, NULL);
    if (listener < 0)
        return NULL;
    long r = send_descriptor("n", 1, listener);
    call(close, listener); /* or the workload's calls would wait for ever once the agent is gone */
    __atomic_store_n(&handover.outcome, r < 0 ? (int)r : 1, __ATOMIC_RELEASE);
    return NULL;
}

static int outcome(void)
{
    struct timespec now, end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    end.tv_sec += SENDING_S;
    for (;;) {
        int found = __atomic_load_n(&handover.outcome, __ATOMIC_ACQUIRE);
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (found || now.tv_sec > end.tv_sec)
            return found ? found : -ETIMEDOUT;
    }
}

long load_with_listener(uint64_t flags, const void *program)
{
    pthread_t thread; /* and not clone(2): musl's refuses to make one that it does not know of */
    pthread_attr_t small;
    pthread_attr_init(&small);
    pthread_attr_setstacksize(&small, STACK_BYTES); /* the address space may be limited already */
    int error = pthread_create(&thread, &small, hand_over, NULL);
    if (error)
        FAIL(error, "the thread that hands over the seccomp listener");
    long listener = call(seccomp, SECCOMP_SET_MODE_FILTER, flags, program);
    __atomic_store_n(&handover.listener, listener < 0 ? FAILED_TO_LOAD : (int)listener, __ATOMIC_RELEASE);
    if (listener < 0)
        return listener;
    int sent = outcome();
    if (sent < 0)
        FAIL(-sent, "the seccomp listener, on its way to the runtime");
    return 0;
}
