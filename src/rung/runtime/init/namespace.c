/* The outer process's verbs: what is done from outside, and the birth of the inner one. */
#include "broker.h"
#include "call.h"
#include "control.h"
#include "idmap.h"
#include "slot.h"
#include <sys/prctl.h>

void set_oom_score_adj(const union argument *given)
{
    const char *path = "/proc/self/oom_score_adj", *value = decimal(given[0].i);
    long r = write_to(path, value, strlen(value));
    if (r < 0)
        FAIL((int)-r, path, " = ", value, r == -EACCES ? ": lower than the caller may set" : "");
}

void join_cgroup(const union argument *given)
{
    const char *file = given[0].s.data;
    long fd = call(openat, AT_FDCWD, file, O_WRONLY | O_CLOEXEC);
    long r = fd < 0 ? fd : call(write, fd, "0", 1);
    if (r < 0)
        FAIL((int)-r, file);
    close_fd((int)fd);
}

void open_file(const union argument *given)
{
    const char *path = given[1].s.data;
    int fd = (int)call(openat, AT_FDCWD, path, given[2].u | O_CLOEXEC);
    if (fd < 0)
        FAIL(-fd, path);
    slot_set(given[0].u, fd);
}

static bool time_moves; /* the inner process will live in another time namespace */

static void after_namespace_change(uint64_t flags)
{
    time_moves |= (flags & CLONE_NEWTIME) != 0;
    if (flags & CLONE_NEWUSER) /* new credentials made this process dumpable again */
        call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
}

void set_namespace(const union argument *given)
{
    call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* before anybody in there can see us (CVE-2016-9962) */
    long r = call(setns, slot(given[0].u), given[1].u);
    if (r < 0)
        FAIL((int)-r, "slot ", decimal((int64_t)given[0].u));
    after_namespace_change(given[1].u);
}

void unshare_namespaces(const union argument *given)
{
    long r = call(unshare, given[0].u);
    if (r < 0)
        FAIL((int)-r, "namespaces");
    after_namespace_change(given[0].u);
}

void write_file(const union argument *given)
{
    long r = write_to(given[0].s.data, given[1].s.data, given[1].s.length);
    if (r < 0)
        FAIL((int)-r, given[0].s.data);
}

/* --- Clone ---------------------------------------------------------------------- */

static void wait_for_maps(const int gate[2])
{
    char go;
    call(close, gate[1]);
    if (call(read, gate[0], &go, 1) != 1)
        leave(1); /* the outer process failed, and said so */
    call(close, gate[0]);
}

void become_root(const union argument *given)
{
    (void)given;
    long r = call(setgroups, 0, NULL); /* EPERM: the namespace denies it, then there is nothing to drop */
    if (r == 0 || r == -EPERM)
        r = call(setresgid, 0, 0, 0);
    if (r == 0)
        r = call(setresuid, 0, 0, 0);
    if (r == -EINVAL)
        NOTE("id 0 is not mapped: the container is set up without it");
    else if (r < 0)
        FAIL((int)-r, "ids 0 of the user namespace");
    call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0); /* new ids forgot both */
    die_with_runtime();
}

void clone_inner(const union argument *given)
{
    const struct text *uid_map = &given[1].s, *gid_map = &given[2].s;
    bool mapped = uid_map->length || gid_map->length, deny = given[3].u;
    int gate[2] = {-1, -1};
    long r = mapped ? call(pipe2, gate, O_CLOEXEC) : 0;
    if (r < 0)
        FAIL((int)-r, "pipe");
    if (mapped && geteuid() != 0) /* else its /proc files belong to root, and the map is not ours to write */
        call(prctl, PR_SET_DUMPABLE, 1, 0, 0, 0);

    /* CLONE_PARENT makes it the runtime's own child, with the outer's exit signal. The
     * kernel stores its pid in the ledger before it first runs. */
    struct clone_args args = {
        .flags = given[0].u | CLONE_PARENT | CLONE_PARENT_SETTID,
        .parent_tid = (uintptr_t)&ledger()->pid,
    };
    if (given[4].u != SLOT_NONE) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = (uint64_t)slot(given[4].u);
    }
    time_moves |= (given[0].u & CLONE_NEWTIME) != 0;
    uint64_t before = ledger_clock();
    int pid = (int)call(clone3, &args, sizeof args);
    if (pid < 0)
        FAIL(-pid, "clone3");
    if (pid > 0) {
        map_ids(pid, uid_map, gid_map, mapped && deny);
        if (mapped)
            call(write, gate[1], "g", 1);
        broker_outlive();
        leave(0);
    }
    if (time_moves)
        ledger_moved_clock(before);
    die_with_runtime();
    ledger_state(INNER_RUNS);
    if (given[4].u != SLOT_NONE)
        slot_set(given[4].u, -1); /* an open cgroup could not be taken away */
    if (mapped) {
        wait_for_maps(gate);
        become_root(NULL);
    } else {
        call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    }
}
