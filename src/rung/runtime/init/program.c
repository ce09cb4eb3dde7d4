/* See program.h. */
#include "program.h"

#include "call.h"
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

int memory_file(const char *name)
{
    int fd = (int)call(memfd_create, name, MFD_CLOEXEC);
    if (fd < 0)
        FAIL(-fd, name);
    return fd;
}

static _Noreturn void become(const char *path, const char **argv, const char **env, int in, int out)
{
    call(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    call(dup3, in, 0, 0);
    call(dup3, out, 1, 0);
    call(dup3, out, 2, 0);
    call(close_range, 3, ~0U, CLOSE_RANGE_CLOEXEC);
    call(umask, 022);
    int error = (int)-call(execve, path, argv, env);
    SAY(reason(error));
    leave(127);
}

/* By clone, since a filter may be in force, and profiles refuse clone3, whose flags they cannot see. */
static int born(int *handle)
{
#ifdef __s390__
    return (int)call(clone, 0, CLONE_PIDFD | SIGCHLD, handle, 0, 0);
#else
    return (int)call(clone, CLONE_PIDFD | SIGCHLD, 0, handle, 0, 0);
#endif
}

long program_run(const char *path, const char **argv, const char **env, int in, int out, uint64_t limit_s,
                 siginfo_t *ended)
{
    int handle = -1;
    int pid = born(&handle);
    if (pid < 0)
        return pid;
    if (pid == 0)
        become(path, argv, env, in, out);

    struct pollfd over = {.fd = handle, .events = POLLIN};
    struct timespec limit = {.tv_sec = (time_t)limit_s};
    /* Nothing that we catch interrupts these: EINTR, too, is the answer of a filter, and final. */
    long waited = call(ppoll, &over, 1, limit_s ? &limit : NULL, NULL, 0);
    if (waited <= 0)
        call(kill, pid, SIGKILL);
    long r = call(waitid, WAIT_PIDFD, handle, ended, WEXITED, NULL);
    call(close, handle);
    if (waited == 0)
        return r < 0 ? r : -ETIMEDOUT;
    return waited < 0 ? waited : r;
}

const char *how_it_ended(const siginfo_t *ended)
{
    static char words[96] = ": ";
    if (ended->si_code == CLD_EXITED)
        return ": exit status ";
    strcpy(words + 2, signal_meaning(ended->si_status)); /* 63 characters at most */
    return strcat(words, ": killed by signal ");
}

const char *last_words(int out)
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
        if ((unsigned char)*at < ' ' || *at == 127) /* nothing of it is for a terminal to obey */
            *at = ' ';
    return words;
}
