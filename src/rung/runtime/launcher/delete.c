/* containerd's shim, `delete`, where nothing is left to delete.
 *
 * containerd runs it after every container. Nearly always the container has been deleted in order before, so all
 * that remains is to say so, and starting an interpreter for that takes ten times as long as looking. This file only
 * looks: what it is sure of, it answers as shim/program/delete.py would. Whatever it is not sure of (an unknown
 * flag, settings of another runtime, a mount, a name that needs escapes) is left to Python, and nothing has been
 * done by then. tests/unit/house/test_launcher_delete.py holds both to the same answers. */

#include "delete.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS "rung-shim.json" /* shim/settings.py */
#define SETTINGS_MAX 4096
#define KILLED 137

struct request {
    const char *namespace, *id, *bundle;
};

/* Go's flags: -flag value, --flag value, -flag=value; the action is the last word. */
static bool parse(struct request *request, int argc, char **argv)
{
    static const char *const names[] = {"namespace", "id", "bundle", "address", "publish-binary", "socket"};
    const char **const values[] = {&request->namespace, &request->id, &request->bundle};
    if (argc < 2 || strcmp(argv[argc - 1], "delete") != 0)
        return false;
    for (int at = 1; at < argc - 1; at++) {
        const char *word = argv[at];
        if (*word++ != '-')
            return false;
        word += *word == '-';
        if (strcmp(word, "debug") == 0)
            continue; /* the one switch that containerd gives */
        size_t length = strcspn(word, "="), which = 0;
        while (which < 6 && (strlen(names[which]) != length || strncmp(names[which], word, length) != 0))
            which++;
        if (which == 6 || (!word[length] && ++at >= argc - 1))
            return false;
        if (which < 3)
            *values[which] = word[length] ? word + length + 1 : argv[at];
    }
    return request->namespace && *request->namespace && request->id && *request->id && !strchr(request->id, '/');
}

/* Nothing in it is written in another way in /proc/self/mountinfo or in JSON. */
static bool is_plain(const char *path)
{
    for (; *path; path++)
        if (*path <= ' ' || *path > '~' || *path == '\\' || *path == '#' || *path == '"')
            return false;
    return true;
}

static bool is_missing(const char *path)
{
    struct stat found;
    return stat(path, &found) != 0 && errno == ENOENT;
}

/* The value of a string in a JSON object that has no escapes, so that no quotation mark is within a string. */
static bool find_string(const char *json, const char *name, char *to, size_t size)
{
    char key[32];
    snprintf(key, sizeof key, "\"%s\": \"", name);
    const char *begin = strstr(json, key);
    const char *end = begin ? strchr(begin += strlen(key), '"') : NULL;
    if (!end || (size_t)(end - begin) >= size)
        return false;
    memcpy(to, begin, (size_t)(end - begin));
    to[end - begin] = '\0';
    return true;
}

/* Whether Rung's own runtime, or none, has had the container, and has none of that name. */
static bool has_no_container(const struct request *request)
{
    char path[PATH_MAX], text[SETTINGS_MAX], program[2], root[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" SETTINGS, request->bundle) >= (int)sizeof path)
        return false;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    ssize_t length = read(fd, text, sizeof text);
    close(fd);
    if (length <= 0 || length == sizeof text || memchr(text, '\\', (size_t)length) || text[length - 1] != '}')
        return false;
    text[length] = '\0';
    return find_string(text, "program", program, sizeof program) && !*program &&
           find_string(text, "root", root, sizeof root) && *root == '/' && is_plain(root) &&
           snprintf(path, sizeof path, "%s/%s", root, request->id) < (int)sizeof path && is_missing(path);
}

/* Whether the table of mounts does not name the bundle's rootfs; a table that cannot be read names it. */
static bool has_no_mount(const struct request *request)
{
    char wanted[PATH_MAX], *line = NULL;
    size_t size = 0;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    bool found = snprintf(wanted, sizeof wanted, " %s/rootfs ", request->bundle) >= (int)sizeof wanted || !mounts;
    while (!found && getline(&line, &size, mounts) > 0)
        found = strstr(line, wanted) != NULL;
    found = found || ferror(mounts);
    if (mounts)
        fclose(mounts);
    free(line);
    return !found;
}

static unsigned char *put_number(unsigned char *to, unsigned char tag, uint64_t value)
{
    *to++ = tag;
    for (; value >= 0x80; value >>= 7)
        *to++ = (unsigned char)(value | 0x80);
    *to++ = (unsigned char)value;
    return to;
}

/* A DeleteResponse: exit_status = 2, exited_at = 3 with seconds = 1 and nanos = 2 (containerd, api/runtime/task/v3). */
static bool answer(void)
{
    unsigned char time[32], data[64], *end = time, *at = data;
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    end = put_number(end, 1 << 3, (uint64_t)now.tv_sec);
    if (now.tv_nsec)
        end = put_number(end, 2 << 3, (uint64_t)now.tv_nsec);
    at = put_number(at, 2 << 3, KILLED);
    at = put_number(at, 3 << 3 | 2, (uint64_t)(end - time));
    memcpy(at, time, (size_t)(end - time));
    at += end - time;
    return write(STDOUT_FILENO, data, (size_t)(at - data)) == at - data;
}

void answer_delete(int argc, char **argv)
{
    char here[PATH_MAX];
    struct request request = {0};
    if (!parse(&request, argc, argv))
        return;
    if (!request.bundle || !*request.bundle)
        request.bundle = getcwd(here, sizeof here);
    if (request.bundle && is_plain(request.bundle) && has_no_container(&request) && has_no_mount(&request))
        _exit(answer() ? 0 : 1);
}
