/* What errno values and signals mean, in lower case as the field writes it: "exec /x: permission denied".
 *
 * In our own words, since C libraries differ in theirs; these are the kernel's neighbours' (glibc, Go). */
#include "call.h"

#include <stddef.h>

static const char *const reasons[] = {
    [EPERM] = "operation not permitted",
    [ENOENT] = "no such file or directory",
    [ESRCH] = "no such process",
    [EINTR] = "interrupted system call",
    [EIO] = "input/output error",
    [ENXIO] = "no such device or address",
    [E2BIG] = "argument list too long",
    [ENOEXEC] = "exec format error",
    [EBADF] = "bad file descriptor",
    [ECHILD] = "no child processes",
    [EAGAIN] = "resource temporarily unavailable",
    [ENOMEM] = "cannot allocate memory",
    [EACCES] = "permission denied",
    [EFAULT] = "bad address",
    [ENOTBLK] = "block device required",
    [EBUSY] = "device or resource busy",
    [EEXIST] = "file exists",
    [EXDEV] = "invalid cross-device link",
    [ENODEV] = "no such device",
    [ENOTDIR] = "not a directory",
    [EISDIR] = "is a directory",
    [EINVAL] = "invalid argument",
    [ENFILE] = "too many open files in system",
    [EMFILE] = "too many open files",
    [ENOTTY] = "inappropriate ioctl for device",
    [ETXTBSY] = "text file busy",
    [EFBIG] = "file too large",
    [ENOSPC] = "no space left on device",
    [ESPIPE] = "illegal seek",
    [EROFS] = "read-only file system",
    [EMLINK] = "too many links",
    [EPIPE] = "broken pipe",
    [EDOM] = "numerical argument out of domain",
    [ERANGE] = "numerical result out of range",
    [EDEADLK] = "resource deadlock avoided",
    [ENAMETOOLONG] = "file name too long",
    [ENOLCK] = "no locks available",
    [ENOSYS] = "function not implemented",
    [ENOTEMPTY] = "directory not empty",
    [ELOOP] = "too many levels of symbolic links",
    [ENODATA] = "no data available",
    [EOVERFLOW] = "value too large for defined data type",
    [EBADMSG] = "bad message",
    [EBADFD] = "file descriptor in bad state",
    [ELIBBAD] = "accessing a corrupted shared library",
    [EILSEQ] = "invalid or incomplete multibyte or wide character",
    [EUSERS] = "too many users",
    [ENOTSOCK] = "socket operation on non-socket",
    [EMSGSIZE] = "message too long",
    [EOPNOTSUPP] = "operation not supported",
    [EADDRINUSE] = "address already in use",
    [ENETDOWN] = "network is down",
    [ENETUNREACH] = "network is unreachable",
    [ECONNRESET] = "connection reset by peer",
    [ENOTCONN] = "transport endpoint is not connected",
    [ETIMEDOUT] = "connection timed out",
    [ECONNREFUSED] = "connection refused",
    [EHOSTDOWN] = "host is down",
    [EHOSTUNREACH] = "no route to host",
    [ESTALE] = "stale file handle",
    [EUCLEAN] = "structure needs cleaning",
    [EREMOTEIO] = "remote I/O error",
    [EDQUOT] = "disk quota exceeded",
    [EMEDIUMTYPE] = "wrong medium type",
    [ECANCELED] = "operation canceled",
    [ENOKEY] = "required key not available",
    [EKEYEXPIRED] = "key has expired",
    [EKEYREVOKED] = "key has been revoked",
    [EKEYREJECTED] = "key was rejected by service",
    [ERFKILL] = "operation not possible due to RF-kill",
};

static const char *const signals[] = {
    [SIGHUP] = "hangup",
    [SIGINT] = "interrupt",
    [SIGQUIT] = "quit",
    [SIGILL] = "illegal instruction",
    [SIGTRAP] = "trace/breakpoint trap",
    [SIGABRT] = "aborted",
    [SIGBUS] = "bus error",
    [SIGFPE] = "floating point exception",
    [SIGKILL] = "killed",
    [SIGUSR1] = "user defined signal 1",
    [SIGSEGV] = "segmentation fault",
    [SIGUSR2] = "user defined signal 2",
    [SIGPIPE] = "broken pipe",
    [SIGALRM] = "alarm clock",
    [SIGTERM] = "terminated",
    [SIGSTKFLT] = "stack fault",
    [SIGCHLD] = "child exited",
    [SIGCONT] = "continued",
    [SIGSTOP] = "stopped (signal)",
    [SIGTSTP] = "stopped",
    [SIGTTIN] = "stopped (tty input)",
    [SIGTTOU] = "stopped (tty output)",
    [SIGURG] = "urgent I/O condition",
    [SIGXCPU] = "CPU time limit exceeded",
    [SIGXFSZ] = "file size limit exceeded",
    [SIGVTALRM] = "virtual timer expired",
    [SIGPROF] = "profiling timer expired",
    [SIGWINCH] = "window changed",
    [SIGIO] = "I/O possible",
    [SIGPWR] = "power failure",
    [SIGSYS] = "bad system call",
};

#define WORD(table, number) \
    ((number) > 0 && (size_t)(number) < sizeof(table) / sizeof *(table) ? (table)[number] : NULL)

const char *reason(int error)
{
    const char *word = WORD(reasons, error);
    return word ? word : "unknown error";
}

const char *signal_meaning(int number)
{
    const char *word = WORD(signals, number);
    return word ? word : "real-time signal";
}
