/* What a process is besides its mounts and namespaces: session, limits, ids, filters. */
#include "call.h"
#include "control.h"
#include "listener.h"
#include "path.h"
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if.h>
#include <linux/keyctl.h>
#include <linux/seccomp.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

static void check(long r, const char *object)
{
    if (r < 0)
        FAIL((int)-r, object);
}

void new_session(const union argument *given)
{
    (void)given;
    long r = call(setsid);
    if (r != -EPERM) /* it leads one already */
        check(r, "session");
}

void set_hostname(const union argument *given)
{
    check(call(sethostname, given[0].s.data, given[0].s.length), given[0].s.data);
}

void set_domainname(const union argument *given)
{
    check(call(setdomainname, given[0].s.data, given[0].s.length), given[0].s.data);
}

void link_up(const union argument *given)
{
    struct ifreq request = {0};
    const char *name = given[0].s.data;
    if (given[0].s.length >= sizeof request.ifr_name)
        FAIL(ENODEV, name);
    memcpy(request.ifr_name, name, given[0].s.length);
    /* Any socket reaches the links of its namespace. */
    int fd = (int)call(socket, AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    check(fd, name);
    check(call(ioctl, fd, SIOCGIFFLAGS, &request), name);
    request.ifr_flags |= IFF_UP;
    check(call(ioctl, fd, SIOCSIFFLAGS, &request), name);
    call(close, fd);
}

void set_rlimit(const union argument *given)
{
    uint64_t limits[2] = {given[1].u, given[2].u};
    long r = call(prlimit64, 0, given[0].u, limits, NULL);
    if (r < 0)
        FAIL((int)-r, given[3].s.data, " soft ", decimal((int64_t)limits[0]), " hard ",
             decimal((int64_t)limits[1]));
}

void new_keyring(const union argument *given)
{
    long ring = call(keyctl, KEYCTL_JOIN_SESSION_KEYRING, given[0].s.data);
    if (ring == -ENOSYS) {
        NOTE("the kernel has no keyrings");
        return;
    }
    check(ring, given[0].s.data);
    /* Possessor all; user view, read, search, link: so that an exec can join it by name. */
    call(keyctl, KEYCTL_SETPERM, ring, 0x3f1b0000);
}

void set_no_new_privs(const union argument *given)
{
    (void)given;
    check(call(prctl, PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs");
}

void load_seccomp(const union argument *given)
{
    const struct text *program = &given[0].s;
    size_t count = program->length / sizeof(struct sock_filter);
    if (count > BPF_MAXINSNS || program->length % sizeof(struct sock_filter))
        FAIL(EINVAL, "the seccomp program's size");
    /* The plan's strings lie 4 bytes behind a multiple of 8, which is what sock_filter needs. */
    struct sock_fprog load = {.len = (unsigned short)count,
                              .filter = (struct sock_filter *)(uintptr_t)program->data};
    uint64_t flags = given[1].u;
    check(flags & SECCOMP_FILTER_FLAG_NEW_LISTENER ? load_with_listener(flags, &load)
                                                   : call(seccomp, SECCOMP_SET_MODE_FILTER, flags, &load),
          "the seccomp program");
}

void set_personality(const union argument *given) { check(call(personality, given[0].u), "personality"); }

void keep_bounding(const union argument *given)
{
    for (int cap = 0; cap < 64; cap++) {
        if (given[0].u >> cap & 1)
            continue;
        long r = call(prctl, PR_CAPBSET_DROP, cap, 0, 0, 0);
        if (r == -EINVAL)
            return; /* the first the kernel does not know */
        if (r < 0)
            FAIL((int)-r, "bounding capability ", decimal(cap));
    }
}

/* After new ids: what they took back is given again. */
static void settle_ids(void)
{
    call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* nobody in the container looks into us (CVE-2016-9962) */
    die_with_runtime();
}

void set_user(const union argument *given)
{
    uint64_t uid = given[0].u, gid = given[1].u;
    struct list groups = given[3].l;
    check(call(prctl, PR_SET_KEEPCAPS, 1, 0, 0, 0), "keeping capabilities");
    if (given[2].u) {
        static uint32_t ids[65536]; /* NGROUPS_MAX */
        if (groups.count > sizeof ids / sizeof ids[0])
            FAIL(EINVAL, "additional groups");
        const uint64_t *each = list_integers(groups);
        for (uint32_t i = 0; i < groups.count; i++)
            ids[i] = (uint32_t)each[i];
        check(call(setgroups, groups.count, ids), "additional groups");
    }
    const char *unmapped = " is not mapped in the user namespace";
    long r = call(setresgid, gid, gid, gid);
    if (r < 0)
        FAIL((int)-r, "group id ", decimal((int64_t)gid), r == -EINVAL ? unmapped : "");
    r = call(setresuid, uid, uid, uid);
    if (r < 0)
        FAIL((int)-r, "user id ", decimal((int64_t)uid), r == -EINVAL ? unmapped : "");
    settle_ids();
}

struct cap_sets {
    uint32_t effective, permitted, inheritable;
};

void set_capabilities(const union argument *given)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct cap_sets sets[2];
    check(call(capget, &header, sets), "capabilities");
    uint64_t held = sets[0].permitted | (uint64_t)sets[1].permitted << 32;
    /* What the kernel or the caller lacks cannot be given. */
    uint64_t wanted = given[0].u | given[1].u | given[2].u | given[3].u;
    if (wanted & ~held)
        NOTE("capabilities not held and left out: bits ", decimal((int64_t)(wanted & ~held)));
    for (int i = 0; i < 2; i++) {
        sets[i].effective = (uint32_t)((given[0].u & held) >> 32 * i);
        sets[i].permitted = (uint32_t)((given[1].u & held) >> 32 * i);
        sets[i].inheritable = (uint32_t)((given[2].u & held) >> 32 * i); /* no more (CVE-2022-24769) */
    }
    check(call(capset, &header, sets), "capabilities");
    check(call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "ambient capabilities");
    for (int cap = 0; cap < 64; cap++) {
        if (!((given[3].u & held) >> cap & 1))
            continue;
        long r = call(prctl, PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0);
        if (r < 0)
            FAIL((int)-r, "ambient capability ", decimal(cap), " (must be permitted and inheritable)");
    }
    settle_ids();
}

enum { CHDIR, CHDIR_MAKE, CHDIR_TRY, CHDIR_LEFT }; /* plan/steps.py */

void change_directory(const union argument *given)
{
    static bool left; /* to the container's user, who may enter what root may not */
    const char *path = given[0].s.data;
    char where[4096];
    uint64_t how = given[1].u;
    if (how == CHDIR_LEFT && !left)
        return;
    long r = how == CHDIR_MAKE ? path_make(path, false, 0755) : path_open(path, O_PATH);
    if (r >= 0) {
        int fd = (int)r;
        r = call(fchdir, fd);
        call(close, fd);
    }
    left = how == CHDIR_TRY && r == -EACCES;
    if (left)
        return;
    check(r, path);
    /* It was resolved inside the root and through no magic link; had it leaked in from outside
     * all the same, it would have no path here (CVE-2024-21626). A filter may forbid to ask. */
    r = call(getcwd, where, sizeof where);
    if (r == -ENOENT || (r > 0 && where[0] != '/'))
        FAIL(EPERM, path, ": lies outside the container's root");
}
