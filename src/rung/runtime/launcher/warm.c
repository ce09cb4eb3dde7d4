/* The launcher's side of the warm way: hands for a brain.
 *
 * The server has Python and the runtime in its memory, but the kernel ties much to the process that
 * a manager started: whose child the container's init is, which limits, cgroups, session, keyring and
 * security context it inherits, what dies when it is killed. So everything that is born is born to us;
 * the server only says what. One message, one record of a SOCK_SEQPACKET socket (runtime/warm/protocol.py):
 *
 *   server: "a"                       it is listening to us: only now do we hand anything over
 *   we:     hello, with stdin, stdout, stderr, the working directory and the reading end of a pipe,
 *           which closes when we die or are interrupted
 *   server: "c"                       not for me: start Python yourself (before anything is done)
 *           "s" n, program, fds ...   spawn: answered by n and the pid, or -errno
 *           "w" n, pid                wait: answered by n and the status, or -errno
 *           "h" / "p" + pidfd / "u"   hold our signals / they are for this process / they are ours again
 *           "x" status                the command has ended
 *
 * A server that does not say "a" within ACCEPT_MS is none.
 */

#define _GNU_SOURCE
#include "warm.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define DIRECTORY "/run/rung/warm"
#define ACCEPT_MS 200
#define MESSAGE_MAX (128 * 1024) /* below what a socket's buffer takes by default */
#define FDS_MAX 64

extern char **environ;

static int server = -1;
static volatile sig_atomic_t alive = -1; /* our end of the pipe that the server watches */
static sigset_t before;
static int signals = -1; /* a signalfd, while we hold signals */
static int receiver = -1; /* the pidfd of the process they are for */

struct message {
    size_t length;
    int fds[FDS_MAX];
    int fd_count;
    char data[MESSAGE_MAX];
};

struct reader {
    const char *at, *end;
};

static _Noreturn void lost(void)
{
    dprintf(STDERR_FILENO, "rung-runtime: the warm runtime server has died: do it again (RUNG_WARM=off: without)\n");
    _exit(1);
}

/* --- the way there ------------------------------------------------------------------ */

/* FNV-1a, 64 bits, as runtime/warm/start.py has it: one server for each installation. */
static uint64_t hash(uint64_t value, const char *text)
{
    do {
        value = (value ^ (unsigned char)*text) * 0x100000001b3;
    } while (*text++);
    return value;
}

static bool wanted(void)
{
    const char *setting = getenv("RUNG_WARM");
    return geteuid() == 0 && !(setting && (strcmp(setting, "off") == 0 || strcmp(setting, "0") == 0));
}

static bool accepted(void)
{
    struct pollfd waiting = {.fd = server, .events = POLLIN};
    char word;
    return poll(&waiting, 1, ACCEPT_MS) == 1 && recv(server, &word, 1, 0) == 1 && word == 'a';
}

static bool reach(const char *home, const char *python)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    struct ucred owner;
    socklen_t size = sizeof owner;

    snprintf(address.sun_path, sizeof address.sun_path, DIRECTORY "/%016llx",
             (unsigned long long)hash(hash(0xcbf29ce484222325, home), python));
    server = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (server < 0 || connect(server, (struct sockaddr *)&address, sizeof address))
        return false;
    if (getsockopt(server, SOL_SOCKET, SO_PEERCRED, &owner, &size) || owner.uid != 0)
        return false;
    return fcntl(server, F_SETFL, 0) == 0 && accepted();
}

/* --- hello -------------------------------------------------------------------------- */

static bool put(struct message *message, const void *data, size_t length)
{
    if (length > sizeof message->data - message->length)
        return false;
    memcpy(message->data + message->length, data, length);
    message->length += length;
    return true;
}

static bool put_strings(struct message *message, char **list)
{
    uint32_t count = 0;
    while (list[count])
        count++;
    bool fits = put(message, &count, sizeof count);
    for (uint32_t i = 0; fits && i < count; i++)
        fits = put(message, list[i], strlen(list[i]) + 1);
    return fits;
}

static bool send_message(const struct message *message)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof message->fds)];
    } control = {0};
    struct iovec data = {(void *)message->data, message->length};
    struct msghdr packet = {.msg_iov = &data, .msg_iovlen = 1};
    if (message->fd_count) {
        size_t size = (size_t)message->fd_count * sizeof(int);
        packet.msg_control = control.space;
        packet.msg_controllen = CMSG_SPACE(size);
        control.header.cmsg_level = SOL_SOCKET;
        control.header.cmsg_type = SCM_RIGHTS;
        control.header.cmsg_len = CMSG_LEN(size);
        memcpy(CMSG_DATA(&control.header), message->fds, size);
    }
    return sendmsg(server, &packet, MSG_NOSIGNAL) == (ssize_t)message->length;
}

static bool say_hello(struct message *message, char **argv)
{
    int watched[2];
    mode_t mask = umask(0);
    umask(mask);
    uint32_t umask_now = mask;
    int cwd = open(".", O_PATH | O_CLOEXEC);
    if (cwd < 0 || pipe2(watched, O_CLOEXEC))
        return false;
    alive = watched[1];
    const int handed[] = {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO, cwd, watched[0]};
    memcpy(message->fds, handed, sizeof handed);
    message->fd_count = sizeof handed / sizeof *handed;
    message->length = 0;
    bool said = put(message, &umask_now, sizeof umask_now) && put_strings(message, argv + 1) &&
                put_strings(message, environ) && send_message(message);
    close(watched[0]);
    close(cwd);
    return said;
}

/* Ctrl-C ends the command as it ends Python: the server hears of it, cleans up and says 130. */
static void interrupted(int number)
{
    (void)number;
    int saved = errno;
    close(alive);
    alive = -1;
    errno = saved;
}

/* --- what the server asks for -------------------------------------------------------- */

static bool receive(struct message *message)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof message->fds)];
    } control;
    struct iovec data = {message->data, sizeof message->data};
    struct msghdr packet = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof control.space};
    ssize_t got;
    do {
        got = recvmsg(server, &packet, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    message->fd_count = 0;
    message->length = got > 0 ? (size_t)got : 0;
    struct cmsghdr *header = got > 0 ? CMSG_FIRSTHDR(&packet) : NULL;
    if (header && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        message->fd_count = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(message->fds, CMSG_DATA(header), (size_t)message->fd_count * sizeof(int));
    }
    return got > 0 && !(packet.msg_flags & (MSG_TRUNC | MSG_CTRUNC));
}

static void answer(int32_t question, int32_t value)
{
    const int32_t both[] = {question, value};
    ssize_t sent;
    do {
        sent = send(server, both, sizeof both, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    if (sent != sizeof both)
        lost();
}

static int32_t number(struct reader *from)
{
    int32_t value;
    if (from->end - from->at < (ptrdiff_t)sizeof value)
        lost();
    memcpy(&value, from->at, sizeof value);
    from->at += sizeof value;
    return value;
}

static char *string(struct reader *from)
{
    const char *text = from->at, *end = memchr(text, 0, (size_t)(from->end - text));
    if (!end)
        lost();
    from->at = end + 1;
    return (char *)text;
}

static char **strings(struct reader *from)
{
    int32_t count = number(from);
    char **list = count >= 0 && count < MESSAGE_MAX ? calloc((size_t)count + 1, sizeof *list) : NULL;
    if (!list)
        lost();
    for (int32_t i = 0; i < count; i++)
        list[i] = string(from);
    return list;
}

/* Descriptors come in order of their targets' numbers in the message. Those we got are moved above all
 * targets first, so that none is overwritten before its turn. */
static int32_t spawn(struct message *message, struct reader from)
{
    bool default_signals = number(&from), program_is_first = number(&from);
    int32_t count = message->fd_count, highest = 64;
    int32_t targets[FDS_MAX];
    char path[32];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t all;
    pid_t pid = -1;
    int error = 0;

    for (int32_t i = program_is_first; i < count; i++) {
        targets[i] = number(&from);
        highest = targets[i] > highest ? targets[i] : highest;
    }
    char *program = string(&from), **argv = strings(&from), **env = strings(&from);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    for (int32_t i = 0; i < count && !error; i++) {
        int moved = fcntl(message->fds[i], F_DUPFD_CLOEXEC, highest + 1);
        error = moved < 0 ? errno : 0;
        close(message->fds[i]);
        message->fds[i] = moved;
        if (i >= program_is_first && !error)
            error = posix_spawn_file_actions_adddup2(&actions, moved, targets[i]);
    }
    if (program_is_first) {
        snprintf(path, sizeof path, "/proc/self/fd/%d", message->fds[0]);
        program = path;
    }
    sigfillset(&all);
    posix_spawnattr_setsigmask(&attributes, &before);
    posix_spawnattr_setsigdefault(&attributes, &all);
    posix_spawnattr_setflags(&attributes, (short)(POSIX_SPAWN_SETSIGMASK | (default_signals ? POSIX_SPAWN_SETSIGDEF : 0)));
    if (!error)
        error = posix_spawn(&pid, program, &actions, &attributes, argv, env);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    for (int32_t i = 0; i < count; i++)
        close(message->fds[i]);
    free(argv);
    free(env);
    return error ? -error : pid;
}

/* Every signal that may be passed on, as runtime/signals.py has it (OURS), unless it is ignored. */
static void hold_signals(void)
{
    static const int ours[] = {SIGCHLD, SIGURG,  SIGPIPE, SIGWINCH, SIGTTIN, SIGTTOU,
                               SIGSEGV, SIGBUS, SIGFPE,  SIGILL,   SIGKILL, SIGSTOP};
    sigset_t held;
    struct sigaction is;
    sigfillset(&held);
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        sigdelset(&held, ours[i]);
    for (int each = 1; each < NSIG; each++)
        if (sigaction(each, NULL, &is) == 0 && is.sa_handler == SIG_IGN)
            sigdelset(&held, each);
    sigprocmask(SIG_BLOCK, &held, NULL);
    signals = signalfd(-1, &held, SFD_CLOEXEC);
}

static void release_signals(void)
{
    close(receiver);
    close(signals);
    receiver = signals = -1;
    sigprocmask(SIG_SETMASK, &before, NULL);
}

static void forward_until_it_ends(void)
{
    struct pollfd waiting[] = {{.fd = receiver, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    struct signalfd_siginfo what;
    while (poll(waiting, 2, -1) >= 0 || errno == EINTR) {
        if (waiting[1].revents & POLLIN && read(signals, &what, sizeof what) == sizeof what)
            syscall(SYS_pidfd_send_signal, receiver, what.ssi_signo, NULL, 0);
        if (waiting[0].revents & POLLIN)
            return;
    }
}

static int32_t wait_for(pid_t pid)
{
    int status;
    if (receiver >= 0)
        forward_until_it_ends();
    while (waitpid(pid, &status, 0) < 0)
        if (errno != EINTR || alive < 0) /* Ctrl-C: what is waited for may not heed it */
            return -errno;
    return status;
}

static void serve(struct message *message)
{
    while (receive(message)) {
        struct reader from = {message->data + 1, message->data + message->length};
        int32_t question;
        switch (message->data[0]) {
        case 'c':
            return;
        case 's':
            question = number(&from);
            answer(question, spawn(message, from));
            break;
        case 'w':
            question = number(&from);
            answer(question, wait_for(number(&from)));
            break;
        case 'h':
            hold_signals();
            break;
        case 'p':
            receiver = message->fd_count == 1 ? message->fds[0] : -1;
            break;
        case 'u':
            release_signals();
            break;
        case 'x':
            _exit(number(&from));
        default:
            lost();
        }
    }
    lost();
}

void carry_out_warm(const char *home, const char *python, int argc, char **argv)
{
    static struct message message;
    struct sigaction on_interrupt = {.sa_handler = interrupted}, interrupt, child;
    (void)argc;
    if (!wanted())
        return;
    if (reach(home, python)) {
        sigprocmask(SIG_SETMASK, NULL, &before);
        sigaction(SIGCHLD, &(struct sigaction){.sa_handler = SIG_DFL}, &child); /* or we could not wait */
        sigaction(SIGINT, NULL, &interrupt);
        if (interrupt.sa_handler == SIG_DFL)
            sigaction(SIGINT, &on_interrupt, NULL);
        if (say_hello(&message, argv))
            serve(&message);
        sigaction(SIGINT, &interrupt, NULL);
        sigaction(SIGCHLD, &child, NULL);
        close(alive);
    }
    close(server);
}
