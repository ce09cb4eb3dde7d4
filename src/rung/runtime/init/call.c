/* The ledger's writer. See call.h. */
#include "call.h"

#include <stdarg.h>
#include <sys/socket.h>
#include <time.h>

int control_fd = -1;

static struct ledger scratch_ledger; /* until there is a plan */
static struct {
    struct ledger *ledger;
    uint64_t *began;
    struct call_record *calls;
    uint32_t capacity, step;
    uint64_t epoch;
    const char *step_name;
    int64_t failed_call; /* the step's last call that failed, and its errno */
    int failed_with;
} to = {.ledger = &scratch_ledger, .step_name = "rung-init:", .failed_call = -1};

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

void ledger_begin(const struct plan *plan)
{
    to.ledger = plan->ledger;
    to.began = plan->began;
    to.calls = plan->calls;
    to.capacity = plan->header->capacity;
    to.epoch = to.ledger->epoch = now();
    to.ledger->error_call = -1;
}

struct ledger *ledger(void) { return to.ledger; }

void ledger_state(enum ledger_state state) { __atomic_store_n(&to.ledger->state, state, __ATOMIC_RELEASE); }

void ledger_step(uint32_t index, const char *name)
{
    to.step = index;
    to.step_name = name;
    to.failed_call = -1;
    to.ledger->current = index;
    to.began[index] = now() - to.epoch;
}

uint64_t ledger_clock(void) { return now(); }

void ledger_moved_clock(uint64_t then) { to.epoch += now() - then; }

long recorded(long number, long a, long b, long c, long d, long e, long f)
{
    /* Two processes write for a moment (Clone, RunHook): each call has its own place. */
    uint32_t at = __atomic_fetch_add(&to.ledger->calls, 1, __ATOMIC_RELAXED);
    struct call_record unseen, *record = at < to.capacity ? &to.calls[at] : &unseen;
    uint64_t began = to.capacity ? now() : 0; /* no room at all: nobody wants to know */
    record->step = (uint16_t)to.step;
    record->number = (int16_t)number;
    record->began = began - to.epoch;
    long result = syscall(number, a, b, c, d, e, f);
    if (result == -1)
        result = -errno;
    if ((number == SYS_clone3 || number == SYS_clone) && result == 0)
        return 0; /* the child; the record is its parent's */
    uint64_t took = to.capacity ? now() - began : 0;
    record->took = took > UINT32_MAX ? UINT32_MAX : (uint32_t)took;
    record->result = (int32_t)result;
    if (result < 0 && result >= -4095) {
        to.failed_call = at < to.capacity ? (int64_t)at : -1;
        to.failed_with = (int)-result;
    }
    return result;
}

static void join(char *out, size_t size, const char *first, va_list more)
{
    size_t length = 0;
    for (const char *part = first; part; part = va_arg(more, const char *)) {
        while (*part && length + 1 < size)
            out[length++] = *part++;
    }
    out[length] = 0;
}

void say(const char *first, ...)
{
    char words[512];
    va_list more;
    va_start(more, first);
    join(words, sizeof words, first, more);
    va_end(more);
    call(write, 2, words, strlen(words));
}

bool told_failure(void)
{
    /* sendto, since a write to a runtime that is gone would end us by a signal. */
    return control_fd >= 0 && call(sendto, control_fd, "e", 1, MSG_NOSIGNAL, NULL, 0) == 1;
}

_Noreturn void leave(int status)
{
    /* A filter may refuse these as well, and a C library's _exit asks for ever then (musl): a fault cannot be refused. */
    syscall(SYS_exit_group, status);
    syscall(SYS_exit, status);
    __builtin_trap();
}

_Noreturn void fail(int status, int error, const char *first, ...)
{
    struct ledger *l = to.ledger;
    l->error_call = to.failed_with == error ? (int32_t)to.failed_call : -1;
    l->error_step = to.step;
    l->error_errno = error;
    va_list more;
    va_start(more, first);
    join(l->error, sizeof l->error, first, more);
    va_end(more);
    ledger_state(FAILED);
    if (!told_failure())
        SAY(status == 1 ? to.step_name : "", status == 1 ? " " : "", l->error,
            status == 1 && error ? ": " : "", status == 1 && error ? reason(error) : "", "\n");
    leave(status);
}

void note_words(const char *first, ...)
{
    va_list more;
    va_start(more, first);
    join(to.ledger->note, sizeof to.ledger->note, first, more);
    va_end(more);
    to.ledger->notes++;
}

const char *decimal(int64_t value)
{
    static char buffers[4][24];
    static unsigned turn;
    char *at = buffers[turn++ % 4] + 23;
    uint64_t rest = value < 0 ? -(uint64_t)value : (uint64_t)value;
    *at = 0;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (value < 0)
        *--at = '-';
    return at;
}
