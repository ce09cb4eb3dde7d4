/* containerd's shim, `delete`, where nothing is left to delete.
 *
 * containerd runs it after every container. Nearly always the container has been deleted in order before, so all
 * that remains is to say so, and starting an interpreter for that takes ten times as long as looking. This file only
 * looks: what it is sure of, it answers as shim/program/delete.py would. Whatever it is not sure of (an unknown
 * flag, settings of another runtime, a mount, a name that needs escapes) is left to Python, and nothing has been
 * done by then. tests/unit/house/test_launcher_delete.py holds both to the same answers. */

#include "shim.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SETTINGS "rung-shim.json" /* shim/settings.py */
#define SETTINGS_MAX 4096
#define KILLED 137

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
static bool has_no_container(const char *bundle, const char *id)
{
    char path[PATH_MAX], program[2], root[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/" SETTINGS, bundle) >= (int)sizeof path)
        return false;
    char *text = read_text(path, SETTINGS_MAX);
    if (!text)
        return errno == ENOENT;
    bool sure = !strchr(text, '\\') && text[strlen(text) - 1] == '}' &&
                find_string(text, "program", program, sizeof program) && !*program &&
                find_string(text, "root", root, sizeof root) && *root == '/' && is_plain(root);
    free(text);
    return sure && snprintf(path, sizeof path, "%s/%s", root, id) < (int)sizeof path && is_missing(path);
}

/* Whether the table of mounts does not name the bundle's rootfs; a table that cannot be read names it. */
static bool has_no_mount(const char *bundle)
{
    char wanted[PATH_MAX], *line = NULL;
    size_t size = 0;
    FILE *mounts = fopen("/proc/self/mountinfo", "re");
    bool found = snprintf(wanted, sizeof wanted, " %s/rootfs ", bundle) >= (int)sizeof wanted || !mounts;
    while (!found && getline(&line, &size, mounts) > 0)
        found = strstr(line, wanted) != NULL;
    found = found || ferror(mounts);
    if (mounts)
        fclose(mounts);
    free(line);
    return !found;
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

void answer_delete(const struct shim_request *request)
{
    char here[PATH_MAX];
    const char *bundle = request->bundle && *request->bundle ? request->bundle : getcwd(here, sizeof here);
    if (bundle && is_plain(bundle) && has_no_container(bundle, request->id) && has_no_mount(bundle))
        _exit(answer() ? 0 : 1);
}
