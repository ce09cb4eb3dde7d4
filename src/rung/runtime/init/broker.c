/* StartBroker: who binds what the root of a user namespace may not.
 *
 * In a user namespace the inner process has no right to a source that only the caller
 * reaches (a directory of mode 0700), nor to map the ids of a file system it does not own.
 * So the outer process, while it still has all its rights, forks a broker. Asked for a
 * mount, it enters the *inner* process's mount namespace and clones the source there: a
 * source may be what an earlier entry of `mounts` has put in place, and a mount that the
 * namespace holds carries the kernel's locks, so that the container cannot take off an
 * `ro` or `nosuid` that the host has set. A clone from the host's own namespace would not.
 *
 * It is never dumpable, is in no cgroup of the container, writes no ledger (two
 * processes would write one step's calls), and ends when the inner process lets go of the
 * socket, at PivotRoot or by its death.
 */
#include "broker.h"

#include "call.h"
#include "mapped.h"
#include "slot.h"
#include <limits.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

struct question {
    uint32_t how; /* open_tree's flags */
    uint32_t idmap, recursive;
    char source[PATH_MAX];
};

struct answer {
    int32_t error;
    uint32_t mapping; /* it was the mapping that failed */
};

static int broker_pid;

/* --- the broker's side: bare system calls, see above ------------------------------------ */

static void reply(int socket, struct answer answer, int fd)
{
    struct iovec part = {.iov_base = &answer, .iov_len = sizeof answer};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = sizeof control.bytes;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &fd, sizeof fd);
    }
    if (sendmsg(socket, &message, MSG_NOSIGNAL) < 0)
        leave(1);
    close(fd);
}

static bool enter_inner(void)
{
    int pidfd = (int)syscall(SYS_pidfd_open, ledger()->pid, 0);
    bool entered = pidfd >= 0 && syscall(SYS_setns, pidfd, CLONE_NEWNS) == 0;
    close(pidfd);
    return entered;
}

static void serve_one(int socket, const struct question *asked)
{
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, asked->source, asked->how);
    if (tree < 0) {
        reply(socket, (struct answer){.error = errno}, -1);
        return;
    }
    if (asked->idmap != SLOT_NONE && idmap_set(tree, slot_or_none(asked->idmap), asked->recursive) < 0) {
        struct answer no = {.error = errno, .mapping = true};
        close(tree);
        reply(socket, no, -1);
        return;
    }
    reply(socket, (struct answer){0}, tree);
}

static _Noreturn void serve(int socket)
{
    static struct question asked;
    bool inside = false;
    while (recv(socket, &asked, sizeof asked, 0) == (long)sizeof asked) {
        if (!inside && !(inside = enter_inner()))
            reply(socket, (struct answer){.error = errno}, -1);
        else
            serve_one(socket, &asked);
    }
    leave(0);
}

void start_broker(const union argument *given)
{
    (void)given;
    int ends[2];
    long r = call(socketpair, AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends);
    if (r < 0)
        FAIL((int)-r, "socketpair");
    struct clone_args args = {.exit_signal = SIGCHLD};
    broker_pid = (int)call(clone3, &args, sizeof args);
    if (broker_pid < 0)
        FAIL(-broker_pid, "clone3");
    if (broker_pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        close(control_fd); /* the runtime hears of the others' end by this socket's */
        serve(ends[1]);
    }
    call(close, ends[1]);
    slot_set(SLOT_BROKER, ends[0]);
}

/* --- the other two's -------------------------------------------------------------------- */

void broker_outlive(void)
{
    if (!broker_pid)
        return;
    slot_set(SLOT_BROKER, -1);
    while (call(wait4, broker_pid, NULL, 0, NULL) == -EINTR)
        ;
}

void broker_dismiss(void)
{
    if (slot_or_none(SLOT_BROKER) >= 0)
        slot_set(SLOT_BROKER, -1);
}

static long receive(int socket, struct answer *answer, int *fd)
{
    struct iovec part = {.iov_base = answer, .iov_len = sizeof *answer};
    union {
        struct cmsghdr header;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct msghdr message = {.msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    long r = call(recvmsg, socket, &message, MSG_CMSG_CLOEXEC);
    const struct cmsghdr *header = r > 0 ? CMSG_FIRSTHDR(&message) : NULL;
    if (header && header->cmsg_type == SCM_RIGHTS)
        memcpy(fd, CMSG_DATA(header), sizeof *fd);
    return r;
}

int broker_ask(const char *source, uint64_t how, uint64_t idmap, bool recursive, bool *mapping)
{
    static struct question asked;
    size_t length = strlen(source);
    int socket = slot(SLOT_BROKER), fd = -1;
    if (length >= sizeof asked.source)
        return -ENAMETOOLONG;
    asked.how = (uint32_t)how;
    asked.idmap = (uint32_t)idmap;
    asked.recursive = recursive;
    memcpy(asked.source, source, length + 1);
    long r = call(sendto, socket, &asked, sizeof asked, MSG_NOSIGNAL, NULL, 0);
    if (r < 0)
        return (int)r;
    struct answer answer = {0};
    r = receive(socket, &answer, &fd);
    if (r != (long)sizeof answer)
        return r < 0 ? (int)r : -EPIPE;
    *mapping = answer.mapping;
    return answer.error ? -answer.error : fd;
}
