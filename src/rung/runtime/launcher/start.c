/* containerd's shim, `start`: the socket listens and its address is printed before Python begins.
 *
 * containerd wants an address; whoever connects before the shim is there waits in the socket's backlog. So this
 * process makes the socket, forks, and answers; the child becomes the shim's Python (`serve`, shim/program/serve.py).
 * As with `delete`, what this file is not sure of (a cgroup for the shim, options and annotations that are not
 * plain) is left to shim/program/start.py, which says what is right: tests/unit/house/test_launcher_start.py holds
 * both to the same answers. Containers of one pod share a shim: an annotation of config.json names their sandbox. */

#define _GNU_SOURCE
#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define SOCKETS "/run/containerd/s"
#define OPTIONS "containerd.runc.v1.Options"
#define CONFIG_MAX (1 << 20)
#define INPUT_MAX (64 << 10)
#define TEXT_MAX 512

/* The first that is there names the pod: GROUP_LABELS of start.py. */
static const char *const labels[] = {"io.containerd.runc.v2.group", "io.kubernetes.cri.sandbox-id"};
#define LABELS 2

struct piece {
    const unsigned char *at, *end;
};

static bool is(struct piece piece, const char *text)
{
    return (size_t)(piece.end - piece.at) == strlen(text) && memcmp(piece.at, text, strlen(text)) == 0;
}

/* Plain text of a message's field into to[TEXT_MAX]; an empty field is empty text. */
static bool copy_text(char *to, struct piece piece)
{
    size_t length = (size_t)(piece.end - piece.at);
    if (length >= TEXT_MAX || memchr(piece.at ? piece.at : (const unsigned char *)"", 0, length))
        return false;
    if (length)
        memcpy(to, piece.at, length);
    to[length] = '\0';
    return is_plain(to);
}

/* --- what containerd says (spec/shim/bootstrap.py) ------------------------------------ */

static bool take_number(struct piece *from, uint64_t *value)
{
    *value = 0;
    for (int shift = 0; from->at < from->end && shift < 63; shift += 7) {
        *value |= (uint64_t)(*from->at & 0x7f) << shift;
        if (*from->at++ < 0x80)
            return true;
    }
    return false;
}

/* The next field: its number, and what a field of bytes holds. Other kinds than numbers and bytes are not plain. */
static bool take_field(struct piece *from, uint64_t *number, struct piece *value)
{
    uint64_t length;
    *value = (struct piece){0};
    if (!take_number(from, number))
        return false;
    uint64_t kind = *number & 7;
    *number >>= 3;
    if (kind == 0)
        return take_number(from, &length);
    if (kind != 2 || !take_number(from, &length) || length > (uint64_t)(from->end - from->at))
        return false;
    *value = (struct piece){from->at, from->at + length};
    from->at += length;
    return true;
}

/* Whether an Any holds no options that wish a cgroup for the shim. */
static bool has_no_cgroup(struct piece any)
{
    uint64_t number;
    struct piece value, type = {0}, options = {0};
    while (any.at < any.end) {
        if (!take_field(&any, &number, &value))
            return false;
        if (number == 1)
            type = value;
        else if (number == 2)
            options = value;
    }
    size_t length = (size_t)(type.end - type.at), wanted = strlen(OPTIONS);
    if (length < wanted || memcmp(type.end - wanted, OPTIONS, wanted) != 0)
        return true;
    while (options.at < options.end)
        if (!take_field(&options, &number, &value) || number == 3)
            return false;
    return true;
}

struct parameters {
    bool newer; /* BootstrapParams; else the options alone, or nothing */
    char address[TEXT_MAX], events[TEXT_MAX], directory[TEXT_MAX];
};

static bool read_parameters(struct parameters *found, struct piece input, const struct shim_request *request)
{
    uint64_t number;
    struct piece whole = input, value, fields[10] = {0};
    bool cgroup = false;
    while (input.at < input.end) {
        if (!take_field(&input, &number, &value))
            return false;
        if (number == 8) { /* an Extension, whose field 1 is an Any */
            struct piece any = {0}, rest = value;
            while (rest.at < rest.end)
                if (!take_field(&rest, &number, &any) || number != 1 || !has_no_cgroup(any))
                    cgroup = true;
        } else if (number < 10) {
            fields[number] = value;
        }
    }
    found->newer = is(fields[1], request->id) && is(fields[2], request->namespace);
    if (!found->newer)
        return has_no_cgroup(whole);
    return !cgroup && copy_text(found->events, fields[5]) && copy_text(found->address, fields[6]) &&
           copy_text(found->directory, fields[9]);
}

/* --- which pod it is of -------------------------------------------------------------- */

static const char *skip_blanks(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* Past a string that begins at `at`; NULL where none does, or it does not end. */
static const char *skip_string(const char *at)
{
    if (*at++ != '"')
        return NULL;
    for (; *at && *at != '"'; at++)
        if (*at == '\\' && !*++at)
            return NULL;
    return *at ? at + 1 : NULL;
}

/* Whether each character of it is written as itself; Go's encoder escapes only <, > and &, which no label has. */
static bool is_readable(const char *json)
{
    for (const char *at = json; (at = strstr(at, "\\u")); at += 2)
        if (strncmp(at + 2, "003c", 4) != 0 && strncmp(at + 2, "003e", 4) != 0 && strncmp(at + 2, "0026", 4) != 0)
            return false;
    return true;
}

/* The name of the pod or the container's own, into to[TEXT_MAX]. A quotation mark within a JSON string is escaped, so
 * that "annotations" with its quotation marks is a string of its own wherever it stands. */
static bool find_group(const char *json, const char *id, char *to)
{
    static const char name[] = "\"annotations\"";
    char found[LABELS][TEXT_MAX] = {{0}};
    const char *at = strstr(json, name);
    if (*skip_blanks(json) != '{' || !is_readable(json))
        return false;
    if (at) {
        if (strstr(at + 1, name) || *(at = skip_blanks(at + strlen(name))) != ':' || *(at = skip_blanks(at + 1)) != '{')
            return false;
        for (at = skip_blanks(at + 1); *at != '}';) {
            const char *key = at, *key_end = skip_string(at);
            if (!key_end || *(at = skip_blanks(key_end)) != ':')
                return false;
            const char *value = skip_blanks(at + 1), *value_end = skip_string(value);
            if (!value_end)
                return false;
            struct piece label = {(const unsigned char *)key + 1, (const unsigned char *)key_end - 1};
            struct piece text = {(const unsigned char *)value + 1, (const unsigned char *)value_end - 1};
            for (int i = 0; i < LABELS; i++)
                if (is(label, labels[i]) && !copy_text(found[i], text))
                    return false;
            at = skip_blanks(value_end);
            if (*at == ',')
                at = skip_blanks(at + 1);
            else if (*at != '}')
                return false;
        }
    }
    for (int i = 0; i < LABELS; i++)
        if (*found[i])
            return snprintf(to, TEXT_MAX, "%s", found[i]) < TEXT_MAX;
    return snprintf(to, TEXT_MAX, "%s", id) < TEXT_MAX;
}

/* --- the socket ---------------------------------------------------------------------- */

static bool make_directories(const char *path)
{
    char part[PATH_MAX];
    if (access(path, F_OK) == 0)
        return true;
    for (const char *at = strchr(path + 1, '/');; at = strchr(at + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", at ? (int)(at - path) : PATH_MAX, path);
        if (mkdir(part, at ? 0777 : 0711) && errno != EEXIST)
            return false;
        if (!at)
            return true;
    }
}

static bool answers(const struct sockaddr_un *address)
{
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool found = probe >= 0 && connect(probe, (const struct sockaddr *)address, sizeof *address) == 0;
    if (probe >= 0)
        close(probe);
    return found;
}

/* For its owner alone; -1 where it cannot be made: then there is none. It is inherited by the shim. */
static int listen_at(const struct sockaddr_un *address)
{
    int listening = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listening < 0)
        return -1;
    mode_t before = umask(0177);
    bool bound = (unlink(address->sun_path) == 0 || errno == ENOENT) &&
                 bind(listening, (const struct sockaddr *)address, sizeof *address) == 0;
    umask(before);
    if (bound && listen(listening, 64) == 0)
        return listening;
    if (bound)
        unlink(address->sun_path);
    close(listening);
    return -1;
}

/* In the child: the shim, with the flags of `start` and what was found out. */
static _Noreturn void serve(int argc, char **argv, const char *python, const char *boot, int listening,
                            const char *path, const char *events)
{
    char number[16];
    char *words[argc + 16];
    int count = 0, null = open("/dev/null", O_RDWR | O_CLOEXEC);
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        dup2(null, fd); /* containerd reads what was printed to its end, so as long as anybody has it open */
    snprintf(number, sizeof number, "%d", listening);
    words[count++] = (char *)python;
    words[count++] = "-IS";
    words[count++] = "-Xutf8";
    words[count++] = (char *)boot;
    words[count++] = "--shim";
    for (int i = 1; i < argc - 1; i++)
        words[count++] = argv[i];
    words[count++] = "-socket";
    words[count++] = (char *)path;
    words[count++] = "-listening";
    words[count++] = number;
    if (*events) {
        words[count++] = "-events";
        words[count++] = (char *)events;
    }
    words[count++] = "serve";
    words[count] = NULL;
    execv(python, words);
    _exit(127);
}

/* --- the answer ---------------------------------------------------------------------- */

static bool write_all(int fd, const void *data, size_t length)
{
    return write(fd, data, length) == (ssize_t)length;
}

/* Readers see the old content or the new. */
static bool write_address(const char *bundle, const char *address)
{
    char path[PATH_MAX], temporary[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/address", bundle) >= (int)sizeof path ||
        snprintf(temporary, sizeof temporary, "%s/address.%d.new", bundle, getpid()) >= (int)sizeof temporary)
        return false;
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    bool written = fd >= 0 && write_all(fd, address, strlen(address)) && rename(temporary, path) == 0;
    if (fd >= 0)
        close(fd);
    if (!written)
        unlink(temporary);
    return written;
}

/* BootstrapResult: version 3, address, protocol; or version 2 as JSON. */
static bool print_result(const char *address, bool newer)
{
    unsigned char data[TEXT_MAX], *at = data;
    if (!newer)
        return write_all(STDOUT_FILENO, data, (size_t)snprintf((char *)data, sizeof data,
                         "{\"version\": 2, \"address\": \"%s\", \"protocol\": \"ttrpc\"}", address));
    at = put_number(at, 1 << 3, 3);
    at = put_number(at, 2 << 3 | 2, strlen(address));
    memcpy(at, address, strlen(address));
    at = put_number(at + strlen(address), 3 << 3 | 2, 5);
    memcpy(at, "ttrpc", 5);
    return write_all(STDOUT_FILENO, data, (size_t)(at + 5 - data));
}

/* --- all of it ----------------------------------------------------------------------- */

/* Standard input up to its end; what was read is put back for Python. */
static bool read_input(unsigned char *to, struct piece *input)
{
    size_t length = 0;
    ssize_t got = 0;
    *input = (struct piece){to, to};
    if (isatty(STDIN_FILENO))
        return true;
    int again = memfd_create("input", MFD_CLOEXEC);
    while (length < INPUT_MAX && (got = read(STDIN_FILENO, to + length, INPUT_MAX - length)) > 0)
        length += (size_t)got;
    if (again < 0 || !write_all(again, to, length))
        return false;
    bool whole = length < INPUT_MAX && got == 0;
    if (length == INPUT_MAX) {
        unsigned char more[4096];
        while ((got = read(STDIN_FILENO, more, sizeof more)) > 0)
            if (!write_all(again, more, (size_t)got))
                break;
    }
    lseek(again, 0, SEEK_SET);
    dup2(again, STDIN_FILENO);
    close(again);
    input->end = to + length;
    return whole;
}

static bool find_socket(const struct shim_request *request, const struct parameters *given, const char *bundle,
                        struct sockaddr_un *to)
{
    char path[PATH_MAX], group[TEXT_MAX], named[3 * TEXT_MAX], digest[65];
    const char *address = request->address && *request->address ? request->address : given->address;
    const char *directory = *given->directory ? given->directory : SOCKETS;
    char *config = snprintf(path, sizeof path, "%s/config.json", bundle) < (int)sizeof path ? read_text(path, CONFIG_MAX) : NULL;
    bool found = config && find_group(config, request->id, group);
    free(config);
    if (!found || *directory != '/' ||
        snprintf(named, sizeof named, "%s/%s/%s", address, request->namespace, group) >= (int)sizeof named)
        return false;
    sha256_hex(named, strlen(named), digest);
    to->sun_family = AF_UNIX;
    return snprintf(to->sun_path, sizeof to->sun_path, "%s/%s", directory, digest) < (int)sizeof to->sun_path &&
           make_directories(directory);
}

void answer_start(const struct shim_request *request, int argc, char **argv, const char *python, const char *boot)
{
    static unsigned char data[INPUT_MAX];
    char bundle[PATH_MAX], address[TEXT_MAX];
    struct parameters given = {0};
    struct sockaddr_un at = {0};
    struct piece input;
    if (!read_input(data, &input) || !read_parameters(&given, input, request) || !getcwd(bundle, sizeof bundle) ||
        !is_plain(request->id) || !find_socket(request, &given, bundle, &at))
        return;
    if (!answers(&at)) {
        int listening = listen_at(&at);
        pid_t shim = listening < 0 ? -1 : fork();
        if (shim == 0)
            serve(argc, argv, python, boot, listening, at.sun_path, given.events);
        if (listening >= 0)
            close(listening);
        if (shim < 0)
            return;
    }
    snprintf(address, sizeof address, "unix://%s", at.sun_path);
    if (!write_address(bundle, address) || !print_result(address, given.newer)) {
        dprintf(STDERR_FILENO, "containerd-shim-rung-v2: cannot write the shim's address to %s: %s\n", bundle, strerror(errno));
        _exit(1);
    }
    _exit(0);
}
