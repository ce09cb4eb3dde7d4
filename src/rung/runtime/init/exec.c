/* The last steps: finding the executable and becoming it. */
#include "call.h"
#include "home.h"
#include "control.h"
#include "path.h"
#include "slot.h"
#include <limits.h>
#include <sys/prctl.h>
#include <sys/resource.h>

static char executable[PATH_MAX]; /* what FindExecutable found */
static char home[PATH_MAX];       /* "HOME=...", once SetHome has run */
static bool has_umask;

void set_umask(const union argument *given)
{
    call(umask, given[0].u);
    has_umask = true;
}

/* --- SetHome ----------------------------------------------------------------------- */

/* The home field of a passwd line that is uid's, else NULL. The line is cut up. */
static const char *home_of(char *line, const char *uid)
{
    char *field[6];
    for (int i = 0; i < 6; i++) {
        field[i] = line;
        line = strchr(line, ':');
        if (!line && i < 5)
            return NULL;
        if (line)
            *line++ = 0;
    }
    return strcmp(field[2], uid) == 0 ? field[5] : NULL;
}

static bool take_home(char *line, const char *uid)
{
    const char *found = home_of(line, uid);
    size_t length = found ? strlen(found) : 0;
    if (!length || length + 6 > sizeof home)
        return false;
    memcpy(home + 5, found, length + 1);
    return true;
}

/* Line by line through a file the image controls: a line longer than the buffer is skipped. */
static void search_passwd(int fd, const char *uid)
{
    char buffer[4096];
    size_t held = 0;
    bool skipping = false;
    for (;;) {
        long r = call(read, fd, buffer + held, sizeof buffer - 1 - held);
        if (r <= 0 && held)
            buffer[held++] = '\n'; /* the last line may lack its end */
        else if (r <= 0)
            return;
        else
            held += (size_t)r;
        char *line = buffer, *end;
        while ((end = memchr(line, '\n', held - (size_t)(line - buffer)))) {
            *end = 0;
            if (!skipping && take_home(line, uid))
                return;
            skipping = false;
            line = end + 1;
        }
        held -= (size_t)(line - buffer);
        memmove(buffer, line, held);
        if (held == sizeof buffer - 1) {
            skipping = true;
            held = 0;
        }
    }
}

void set_home(const union argument *given)
{
    struct stat st;
    strcpy(home, "HOME=/");
    /* Non-blocking: the image may have a FIFO there. */
    int fd = path_open("/etc/passwd", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return;
    if (call(newfstatat, fd, "", &st, AT_EMPTY_PATH) == 0 && S_ISREG(st.st_mode))
        search_passwd(fd, decimal((int64_t)given[0].u));
    call(close, fd);
}

/* --- FindExecutable ------------------------------------------------------------------ */

/* 0, or why the file at `path` cannot be executed. */
static int refusal(const char *path)
{
    struct stat st;
    long r = call(newfstatat, AT_FDCWD, path, &st, 0);
    if (r == 0 && S_ISDIR(st.st_mode))
        return EISDIR;
    if (r == 0 && !S_ISREG(st.st_mode))
        return EACCES;
    if (r == 0)
        r = call(faccessat2, AT_FDCWD, path, X_OK, AT_EACCESS); /* with the capabilities that execve will have */
    if (r == -ENOSYS || r == -EPERM) /* a filter may not know it */
        r = call(faccessat, AT_FDCWD, path, X_OK);
    return (int)-r;
}

/* Callers (Docker's exit codes 126 and 127) look for these very words, which are Go's. */
static _Noreturn void not_found(const char *name, int error, const char *why)
{
    FAIL(error, "exec: \"", name, "\": ", why);
}

static bool found_along(const char *name, const char *path_env)
{
    size_t length = strlen(name);
    for (const char *at = path_env, *end; at; at = *end ? end + 1 : NULL) {
        end = strchr(at, ':');
        if (!end)
            end = at + strlen(at);
        size_t lead = (size_t)(end - at);
        if (lead + length + 2 > sizeof executable)
            continue;
        memcpy(executable, at, lead);
        if (lead == 0)
            executable[lead++] = '.'; /* an empty entry is the working directory */
        executable[lead++] = '/';
        memcpy(executable + lead, name, length + 1);
        if (refusal(executable) == 0)
            return true;
    }
    return false;
}

void find_executable(const union argument *given)
{
    const char *name = given[0].s.data, *path_env = given[1].s.data;
    if (!strchr(name, '/')) {
        if (!*name || !found_along(name, path_env))
            not_found(name, ENOENT, "executable file not found in $PATH");
        return;
    }
    int error = given[0].s.length < sizeof executable ? refusal(name) : ENAMETOOLONG;
    if (error)
        not_found(name, error, reason(error));
    memcpy(executable, name, given[0].s.length + 1);
}

/* --- KeepFds, Exec ------------------------------------------------------------------- */

/* The lowest descriptor of ours from `from` on, or one above all. */
static uint32_t next_own(uint32_t from)
{
    int own = slot_held_from((int)from);
    if (control_fd >= (int)from && (own < 0 || control_fd < own))
        own = control_fd;
    return own < 0 ? INT_MAX : (uint32_t)own;
}

/* Where a filter of an outer container does not know close_range. */
static void close_each(uint32_t from, uint32_t end)
{
    uint64_t limits[2];
    long r = call(prlimit64, 0, RLIMIT_NOFILE, NULL, limits);
    if (r < 0)
        FAIL((int)-r, "descriptors from ", decimal(from));
    for (uint32_t fd = from; fd < end && fd < limits[0]; fd++)
        call(close, fd);
}

/* Between our own ones, which exec closes, everything goes now: what the caller leaked
 * would else be held open for as long as the container waits for its start. */
void keep_fds(const union argument *given)
{
    uint32_t from = (uint32_t)given[0].u;
    while (from < INT_MAX) {
        uint32_t own = next_own(from);
        long r = own > from ? call(close_range, from, own - 1, 0) : 0;
        if (r == -ENOSYS || r == -EPERM)
            close_each(from, own);
        else if (r < 0)
            FAIL((int)-r, "descriptors from ", decimal(from));
        from = own + 1;
    }
}

void add_home(const char **env, uint32_t count)
{
    if (!*home)
        return;
    for (uint32_t i = 0; i < count; i++)
        if (strncmp(env[i], "HOME=", 5) == 0)
            return;
    env[count] = home;
}

void execute(const union argument *given)
{
    const char **argv = list_vector(given[0].l, 0), **env = list_vector(given[1].l, 1);
    if (!*executable)
        FAIL(EINVAL, "the plan executes before it finds the executable");
    add_home(env, given[1].l.count);
    if (!has_umask)
        call(umask, 022);
    ledger_state(EXECUTING);
    int error = (int)-call(execve, executable, argv, env);
    FAIL_WITH(error == ENOENT || error == ENOTDIR ? 127 : 126, error, "exec ", executable, ": ",
              reason(error));
}
