/* RunHook: a program of the bundle's, with the container's state on its stdin. */
#include "call.h"
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

/* The state goes in, and what the hook says comes out, through memory files: no pipe
 * can fill up, so nothing can wait for anything. */
static int memory(const char *name)
{
    int fd = (int)call(memfd_create, name, MFD_CLOEXEC);
    if (fd < 0)
        FAIL(-fd, name);
    return fd;
}

static int state_file(const struct text *head, const struct text *tail)
{
    int fd = memory("hook state");
    const char *pid = decimal(getpid()); /* as the container sees it: the hook runs in it */
    if (call(write, fd, head->data, head->length) < 0 || call(write, fd, pid, strlen(pid)) < 0 ||
        call(write, fd, tail->data, tail->length) < 0)
        FAIL(EIO, "hook state");
    call(lseek, fd, 0, SEEK_SET);
    return fd;
}

static _Noreturn void become_hook(const union argument *given, int in, int out)
{
    const char **argv = list_vector(given[2].l, 0), **env = list_vector(given[3].l, 0);
    call(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    call(dup3, in, 0, 0);
    call(dup3, out, 1, 0);
    call(dup3, out, 2, 0);
    call(close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    call(umask, 022);
    int error = (int)-call(execve, given[1].s.data, argv, env);
    SAY(reason(error));
    _exit(127);
}

/* The end of what the hook said, in one line. */
static const char *last_words(int out)
{
    static char words[161] = ": ";
    long size = call(lseek, out, 0, SEEK_END);
    long room = sizeof words - 3, from = size > room ? size - room : 0;
    call(lseek, out, from, SEEK_SET);
    long length = size > 0 ? call(read, out, words + 2, room) : 0;
    while (length > 0 && words[1 + length] == '\n')
        length--;
    if (length <= 0)
        return "";
    words[2 + length] = 0;
    for (char *at = words; *at; at++)
        if (*at == '\n')
            *at = ' ';
    return words;
}

/* By clone, since the filter may be in force, and profiles refuse clone3, whose flags they cannot see. */
static int born(int *handle)
{
#ifdef __s390__
    return (int)call(clone, 0, CLONE_PIDFD | SIGCHLD, handle, 0, 0);
#else
    return (int)call(clone, CLONE_PIDFD | SIGCHLD, 0, handle, 0, 0);
#endif
}

void run_hook(const union argument *given)
{
    const char *stage = given[0].s.data, *path = given[1].s.data;
    int in = state_file(&given[5].s, &given[6].s), out = memory("hook output"), handle = -1;
    int pid = born(&handle);
    if (pid < 0)
        FAIL(-pid, stage, " hook ", path);
    if (pid == 0)
        become_hook(given, in, out);

    struct pollfd over = {.fd = handle, .events = POLLIN};
    struct timespec limit = {.tv_sec = (time_t)given[4].u};
    long r;
    do /* the kernel leaves the rest of the time in `limit` */
        r = call(ppoll, &over, 1, given[4].u ? &limit : NULL, NULL, 0);
    while (r == -EINTR);
    bool late = r == 0;
    if (late)
        call(kill, pid, SIGKILL);
    siginfo_t ended = {0};
    do
        r = call(waitid, WAIT_PIDFD, handle, &ended, WEXITED, NULL);
    while (r == -EINTR);
    if (r < 0)
        FAIL((int)-r, stage, " hook ", path);
    if (late)
        FAIL(ETIMEDOUT, stage, " hook ", path, ": took longer than ", decimal((int64_t)given[4].u), " s");
    if (ended.si_status != 0)
        FAIL(0, stage, " hook ", path, ended.si_code == CLD_EXITED ? ": exit status " : ": killed by signal ",
             decimal(ended.si_status), last_words(out));
    call(close, in);
    call(close, out);
    call(close, handle);
}
