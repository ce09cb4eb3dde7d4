/* rung-init FD: executes the plan in descriptor FD and becomes the container.
 *
 * Why it exists: between clone and exec there must be no interpreter in the container's
 * memory, and what runs there must be small, start at once and leave nothing behind.
 * Deciding is done; this program has no policy. It reads steps (plan/steps.py says what
 * each means) and calls one verb for each.
 *
 * Why two processes: entering a pid or time namespace takes effect for children only,
 * a user namespace's maps are written from outside it, and a cgroup must hold a process
 * before it makes a cgroup namespace. So the *outer* process, the runtime's child, does what
 * is done from outside, and its Clone step makes the *inner* one, with CLONE_PARENT: a
 * child of the runtime too, which can wait for it and learn how it ended. The outer
 * then ends; nothing stands between the runtime and the workload. (runc needs a third for
 * joined user namespaces on kernels that forbid CLONE_PARENT there; none of 5.12 or
 * newer, which the mount calls here need anyway, does.)
 *
 * Why it cannot be turned against the host: the process is not dumpable, so nobody
 * in the container can look into it or use its descriptors (CVE-2016-9962); its
 * descriptors close at exec; the runtime executes it from a sealed copy in memory, so its
 * own file cannot be written through /proc/PID/exe (CVE-2019-5736).
 *
 * call.c     every system call, recorded; failing       plan.c    reading the file
 * path.c     resolving inside the root                  steps.h   the table of verbs
 * slot.c     descriptors by number                      control.c the talk with the runtime
 * program.c  programs it starts and waits for
 * the verbs: namespace.c (outer and birth), idmap.c, broker.c, mapped.c, mount.c, bind.c, oldmount.c,
 * copyup.c, root.c, mask.c, device.c, proc.c, console.c, hook.c, process.c, listener.c,
 * scheduling.c, exec.c
 */
#include "call.h"
#include "control.h"
#include "slot.h"
#include <sys/prctl.h>

/* Ignored signals outlive exec, and the caller may ignore some (Python: SIGPIPE; nohup:
 * SIGHUP). Not recorded: 64 like lines would drown the rest. */
static void reset_signals(void)
{
    char action[64] = {0}; /* the kernel's struct sigaction, larger than on any architecture: SIG_DFL */
    uint64_t none = 0;
    for (int number = 1; number <= 64; number++)
        syscall(SYS_rt_sigaction, number, action, NULL, 8);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &none, NULL, 8);
}

static void run_steps(const struct plan *plan)
{
    struct step step;
    bool born = false;
    uint32_t at = plan->next_at;
    for (uint32_t i = 0; i < plan->count; i++) {
        const char *wrong = plan_step(plan, &at, &step);
        ledger_step(i, step.name);
        if (wrong)
            FAIL(EBADMSG, wrong);
        if (born && step.side == OUTER)
            FAIL(EBADMSG, step.name, ": belongs before Clone");
        step.verb(step.given);
        born |= step.code == STEP_Clone;
    }
    FAIL(EBADMSG, "the plan ends without Exec");
}

static int descriptor(const char *digits)
{
    int fd = 0;
    for (; *digits >= '0' && *digits <= '9' && fd < 1 << 20; digits++)
        fd = fd * 10 + *digits - '0';
    return *digits ? -1 : fd;
}

int main(int argc, char **argv)
{
    struct plan plan;
    uint32_t bad;
    /* A user's own /proc/self files would become root's: there it waits until SetNamespace or Clone. */
    if (geteuid() == 0)
        call(prctl, PR_SET_DUMPABLE, 0, 0, 0, 0);
    reset_signals();
    int fd = argc == 2 && *argv[1] ? descriptor(argv[1]) : -1;
    if (fd < 3)
        FAIL(EINVAL,
             "rung-init is started by rung-runtime, with the number of the plan's descriptor (3 or more)");
    const char *wrong = plan_open(&plan, fd);
    if (wrong)
        FAIL(EBADMSG, wrong);
    ledger_begin(&plan);
    call(close, fd);
    control_fd = plan.header->control;
    if (control_fd >= 0)
        call(fcntl, control_fd, F_SETFD, FD_CLOEXEC);
    call(prctl, PR_SET_NAME, "rung-init", 0, 0, 0);
    call(prctl, PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    wrong = plan_check_steps(&plan, &bad);
    if (wrong)
        FAIL(EBADMSG, "step ", decimal(bad), ": ", wrong);
    slots_inherit(plan.header);
    call(umask, 0); /* modes are the plan's; SetUmask sets the workload's */
    ledger_state(OUTER_RUNS);
    run_steps(&plan);
}
