/* The terminal of the container, and who owns its stdio.
 *
 * The terminal's two ends come from the container's own devpts, which is verified to be
 * one; the workload's end is asked of the kernel by descriptor and never opened by its
 * path, which the container could redirect (CVE-2025-52565).
 */
#include "call.h"
#include "mount.h"
#include "path.h"
#include "slot.h"
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>

static int open_multiplexer(void)
{
    struct statfs fs;
    struct stat st;
    int pts = path_open("/dev/pts", O_PATH | O_DIRECTORY);
    if (pts < 0)
        FAIL(-pts, "/dev/pts");
    if (call(fstatfs, pts, &fs) < 0 || fs.f_type != DEVPTS_MAGIC)
        FAIL(ENODEV, "/dev/pts: no devpts is mounted there for a terminal");
    struct open_how how = {.flags = O_RDWR | O_NOCTTY | O_CLOEXEC,
                           .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV |
                                      RESOLVE_NO_MAGICLINKS};
    int fd = (int)call(openat2, pts, "ptmx", &how, sizeof how);
    if (fd < 0)
        FAIL(-fd, "/dev/pts/ptmx");
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0 || !S_ISCHR(st.st_mode) ||
        st.st_rdev != makedev(5, 2))
        FAIL(ENODEV, "/dev/pts/ptmx is no terminal multiplexer");
    call(close, pts);
    return fd;
}

static void send_master(int master, const char *name)
{
    struct iovec data = {.iov_base = (void *)(uintptr_t)name, .iov_len = strlen(name)};
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(int))];
    } control = {0};
    struct msghdr message = {
        .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
    control.header.cmsg_len = CMSG_LEN(sizeof(int));
    control.header.cmsg_level = SOL_SOCKET;
    control.header.cmsg_type = SCM_RIGHTS;
    memcpy(CMSG_DATA(&control.header), &master, sizeof master);
    long r = call(sendmsg, slot(SLOT_CONSOLE_SOCKET), &message, MSG_NOSIGNAL);
    if (r < 0)
        FAIL((int)-r, "the console socket");
}

/* The workload's end at /dev/console too, on a plain file that is no link to elsewhere. */
static void bind_console(int peer)
{
    const char *name, *path = "/dev/console";
    struct stat st;
    int parent = path_parent(path, &name);
    if (parent < 0)
        FAIL(-parent, path);
    long r = call(mknodat, parent, name, S_IFREG | 0600, 0);
    if (r < 0 && r != -EEXIST)
        FAIL((int)-r, path);
    int onto = (int)call(openat, parent, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
    if (onto < 0)
        FAIL(-onto, path);
    if (call(newfstatat, onto, "", &st, AT_EMPTY_PATH) < 0 || S_ISLNK(st.st_mode))
        FAIL(ELOOP, path, ": is a link");
    int tree = mount_copy(peer, false);
    if (tree < 0)
        FAIL(-tree, path);
    r = mount_attach(tree, onto);
    if (r < 0)
        FAIL((int)-r, path);
    call(close, tree);
    call(close, onto);
    call(close, parent);
}

void open_console(const union argument *given)
{
    struct winsize size = {.ws_col = (unsigned short)given[0].u, .ws_row = (unsigned short)given[1].u};
    int master = open_multiplexer(), unlocked = 0;
    unsigned number = 0;
    long r = call(ioctl, master, TIOCSPTLCK, &unlocked);
    if (r == 0)
        r = call(ioctl, master, TIOCGPTN, &number);
    if (r < 0)
        FAIL((int)-r, "/dev/pts/ptmx");
    char name[32] = "/dev/pts/";
    strcat(name, decimal(number));
    int peer = (int)call(ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (peer < 0)
        FAIL(-peer, name);
    if (size.ws_col || size.ws_row)
        call(ioctl, master, TIOCSWINSZ, &size);
    r = call(fchown, peer, given[3].u, given[4].u);
    if (r == -EINVAL || r == -EPERM)
        NOTE(name, ": keeps its owner, the user is not mapped here");
    else if (r < 0)
        FAIL((int)-r, name, ": owner");
    if (given[2].u)
        bind_console(peer);
    send_master(master, name);
    call(close, master);
    slot_set(SLOT_CONSOLE_SOCKET, -1);
    r = call(ioctl, peer, TIOCSCTTY, 0);
    if (r < 0)
        FAIL((int)-r, name, ": cannot be the controlling terminal");
    for (int fd = 0; fd < 3; fd++)
        call(dup3, peer, fd, 0);
    call(close, peer);
}

static bool is_null(int fd)
{
    struct stat st;
    return call(newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == makedev(1, 3);
}

void reopen_null(const union argument *given)
{
    int null = -1;
    (void)given;
    for (int fd = 0; fd < 3; fd++) {
        if (!is_null(fd))
            continue;
        if (null < 0) {
            int node = path_open("/dev/null", O_PATH | O_NOFOLLOW); /* looked at before it is opened */
            null = node >= 0 && is_null(node) ? path_open("/dev/null", O_RDWR | O_NOFOLLOW) : -1;
            close_fd(node);
        }
        if (null < 0 || !is_null(null) || call(dup3, null, fd, 0) < 0) {
            NOTE("stdio ", decimal(fd), " stays the caller's null device");
            break;
        }
    }
    close_fd(null);
}

void own_stdio(const union argument *given)
{
    for (int fd = 0; fd < 3; fd++) {
        struct stat st;
        if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) < 0 || st.st_uid == given[0].u)
            continue;
        if (S_ISCHR(st.st_mode))
            continue; /* the null device, or the caller's own terminal */
        long r = call(fchown, fd, given[0].u, -1);
        if (r == -EPERM || r == -EINVAL || r == -EROFS)
            NOTE("stdio ", decimal(fd), " keeps its owner");
        else if (r < 0)
            FAIL((int)-r, "stdio ", decimal(fd));
    }
}
