/* Sync, OfferNetlink, Ready, WaitStart.
 *
 * Until `r` is sent the runtime owns this process: its death kills it, by the parent-death
 * signal at once, or at the latest when the control socket ends. With `r` the container
 * is on its own. The socket stays open until exec closes it, so that a runtime that still
 * listens learns of a late failure, and of success by the end of the stream.
 */
#include "control.h"

#include "call.h"
#include "slot.h"
#include <linux/netlink.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/socket.h>

bool told_ready;

void die_with_runtime(void)
{
    if (!told_ready)
        call(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
}

static void tell(const char *message, size_t length)
{
    long r = call(sendto, control_fd, message, length, MSG_NOSIGNAL, NULL, 0);
    if (r < 0) { /* the runtime is gone: nobody wants this container */
        control_fd = -1;
        FAIL((int)-r, "the runtime does not listen");
    }
}

long send_descriptor(const char *message, size_t length, int fd)
{
    union {
        struct cmsghdr head;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS}};
    struct iovec words = {.iov_base = (void *)(uintptr_t)message, .iov_len = length};
    struct msghdr whole = {
        .msg_iov = &words, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    memcpy(CMSG_DATA(&control.head), &fd, sizeof fd);
    return call(sendmsg, control_fd, &whole, MSG_NOSIGNAL);
}

static void wait_for_go_ahead(const char *tag)
{
    char go = 0;
    long r;
    r = call(read, control_fd, &go, 1);
    if (r != 1 || go != 'g') {
        control_fd = -1;
        FAIL(r < 0 ? (int)-r : ECANCELED, "the runtime gave up at ", tag);
    }
}

void sync_with_runtime(const union argument *given)
{
    char message[64] = "s";
    size_t length = given[0].s.length;
    if (control_fd < 0)
        return;
    if (length + 2 > sizeof message)
        FAIL(EINVAL, given[0].s.data, ": the tag is too long");
    memcpy(message + 1, given[0].s.data, length);
    tell(message, length + 1);
    wait_for_go_ahead(given[0].s.data);
}

/* The runtime moves the devices here from its own network namespace, and goes on with them in this
 * one, which it reaches by a socket that was opened in it. */
void offer_netlink(const union argument *given)
{
    const char *message = "snetDevices";
    (void)given;
    int fd = (int)call(socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    if (fd < 0)
        FAIL(-fd, "a netlink socket");
    long r = send_descriptor(message, strlen(message), fd);
    call(close, fd);
    if (r < 0)
        FAIL((int)-r, "the netlink socket, on its way to the runtime");
    wait_for_go_ahead(message + 1);
}

void ready(const union argument *given)
{
    (void)given;
    call(prctl, PR_SET_PDEATHSIG, 0, 0, 0, 0);
    ledger_state(READY);
    if (control_fd >= 0)
        tell("r", 1);
    told_ready = true;
}

static void end_by(int signal) { leave(128 + signal); }

/* As a pid namespace's first process it would not hear these: a container that was created and not
 * started could not be ended politely. exec makes all of them default again. */
static void listen_to_signals(void)
{
    static const int ending[] = {SIGHUP, SIGINT, SIGQUIT, SIGALRM, SIGTERM, SIGUSR1, SIGUSR2};
    for (size_t i = 0; i < sizeof ending / sizeof ending[0]; i++)
        signal(ending[i], end_by);
}

void wait_start(const union argument *given)
{
    struct pollfd fifo = {.fd = slot(SLOT_START_FIFO), .events = POLLIN};
    char byte;
    long r;
    /* It may wait for days: a cgroup or mount held open so long could not be taken away. */
    slots_let_go();
    listen_to_signals();
    ready(given);
    /* Never again on EINTR: a signal that is caught ends us, so only a filter answers that, for ever. */
    r = call(ppoll, &fifo, 1, NULL, NULL, 0);
    if (r > 0)
        r = call(read, fifo.fd, &byte, 1);
    if (r != 1)
        FAIL(r < 0 ? (int)-r : EPIPE, "the start gate");
    /* The gate stays open until exec or the end closes it: that is what start waits for. */
}
