/* The one door to the kernel, and the one way to fail.
 *
 * `call(openat, dir, path, flags)` makes the system call of that name, records it in
 * the ledger (a few stores and two reads of the clock, no system call of its own) and
 * gives its value or the negated errno.
 */
#pragma once

#include "plan.h"

long recorded(long number, long a, long b, long c, long d, long e, long f);

#define CALL_1(n) recorded(n, 0, 0, 0, 0, 0, 0)
#define CALL_2(n, a) recorded(n, (long)(a), 0, 0, 0, 0, 0)
#define CALL_3(n, a, b) recorded(n, (long)(a), (long)(b), 0, 0, 0, 0)
#define CALL_4(n, a, b, c) recorded(n, (long)(a), (long)(b), (long)(c), 0, 0, 0)
#define CALL_5(n, a, b, c, d) recorded(n, (long)(a), (long)(b), (long)(c), (long)(d), 0, 0)
#define CALL_6(n, a, b, c, d, e) recorded(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0)
#define CALL_7(n, a, b, c, d, e, f) \
    recorded(n, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f))
#define CALL_PICK(_1, _2, _3, _4, _5, _6, _7, which, ...) which
#define CALL_ALL(...) \
    CALL_PICK(__VA_ARGS__, CALL_7, CALL_6, CALL_5, CALL_4, CALL_3, CALL_2, CALL_1, 0)(__VA_ARGS__)
#define call(...) CALL_ALL(SYS_##__VA_ARGS__)

/* Calls are recorded into this plan's ledger from now on. */
void ledger_begin(const struct plan *plan);
struct ledger *ledger(void);
void ledger_state(enum ledger_state state);
void ledger_step(uint32_t index, const char *name);
/* A new time namespace moved the clock: it now reads as it did when `then` was taken. */
uint64_t ledger_clock(void);
void ledger_moved_clock(uint64_t then);

/* Ends the process at once, whatever a filter says to that. */
_Noreturn void leave(int status);

/* Ends the process: the ledger gets errno and the words (the object first), the runtime
 * is told. Where nobody listens any more, the words go to stderr. */
_Noreturn void fail(int status, int error, const char *first, ...);
#define FAIL(error, ...) fail(1, error, __VA_ARGS__, (const char *)NULL)
#define FAIL_WITH(status, error, ...) fail(status, error, __VA_ARGS__, (const char *)NULL)
/* Something was passed over, as its step allows. */
void note_words(const char *first, ...);
#define NOTE(...) note_words(__VA_ARGS__, (const char *)NULL)

/* A number in decimal, in a buffer of its own until the fourth call after this one. */
const char *decimal(int64_t value);
/* errno's meaning, in lower case as the field writes it. */
const char *reason(int error);
/* A signal's, in the same way: "bad system call". */
const char *signal_meaning(int number);
void say(const char *first, ...);
#define SAY(...) say(__VA_ARGS__, (const char *)NULL)

/* The control socket, -1 when there is none. */
extern int control_fd;
/* Tells the runtime that init has failed; false when it does not listen. */
bool told_failure(void);

static inline void close_fd(int fd)
{
    if (fd >= 0)
        call(close, fd);
}
