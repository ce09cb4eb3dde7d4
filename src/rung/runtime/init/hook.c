/* RunHook: a program of the bundle's, with the container's state on its stdin. */
#include "call.h"
#include "home.h"
#include "program.h"

static int state_file(const struct text *head, const struct text *tail)
{
    int fd = memory_file("hook state");
    const char *pid = decimal(getpid()); /* as the container sees it: the hook runs in it */
    if (call(write, fd, head->data, head->length) < 0 || call(write, fd, pid, strlen(pid)) < 0 ||
        call(write, fd, tail->data, tail->length) < 0)
        FAIL(EIO, "hook state");
    call(lseek, fd, 0, SEEK_SET);
    return fd;
}

void run_hook(const union argument *given)
{
    const char *path = given[1].s.data, **env = list_vector(given[3].l, 1);
    int in = state_file(&given[5].s, &given[6].s), out = memory_file("hook output");
    siginfo_t ended = {0};
    if (given[7].u)
        add_home(env, given[3].l.count);
    long r = program_run(path, list_vector(given[2].l, 0), env, in, out, given[4].u, &ended);
    if (r == -ETIMEDOUT)
        FAIL(ETIMEDOUT, path, ": took longer than ", decimal((int64_t)given[4].u), " s");
    if (r < 0)
        FAIL((int)-r, path);
    if (ended.si_status != 0)
        FAIL(0, path, how_it_ended(&ended), decimal(ended.si_status), last_words(out));
    call(close, in);
    call(close, out);
}
