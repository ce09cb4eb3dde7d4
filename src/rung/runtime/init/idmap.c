/* MapIdsBy, and the maps that Clone writes.
 *
 * The kernel lets a user map the own id alone; more is granted by the administrator in /etc/subuid and
 * /etc/subgid, and newuidmap and newgidmap, which are privileged, hold everybody to it. They take the process
 * and its map as arguments, and look at whose process it is: so that must be visible (see Clone).
 */
#include "idmap.h"

#include "call.h"
#include "program.h"

#define EXTENTS_MAX 340 /* UID_GID_MAP_MAX_EXTENTS */

static const char *uid_tool = "", *gid_tool = "";

void map_ids_by(const union argument *given)
{
    uid_tool = given[0].s.data;
    gid_tool = given[1].s.data;
}

long write_to(const char *path, const void *data, size_t size)
{
    int fd = (int)call(openat, AT_FDCWD, path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return fd;
    long r = call(write, fd, data, size);
    call(close, fd);
    return r >= 0 && (size_t)r != size ? -EIO : r;
}

/* `TOOL PID INSIDE OUTSIDE COUNT ...`: the map's own numbers in its own order. */
static const char **words_for(const char *tool, int pid, const struct text *map)
{
    static const char *words[2 + 3 * EXTENTS_MAX + 1];
    static char numbers[48 * EXTENTS_MAX], process[24];
    size_t count = 0;
    if (map->length >= sizeof numbers)
        FAIL(E2BIG, tool, ": more than ", decimal(EXTENTS_MAX), " ranges of ids");
    memcpy(numbers, map->data, map->length);
    numbers[map->length] = 0;
    words[count++] = tool;
    words[count++] = strcpy(process, decimal(pid));
    for (char *at = strtok(numbers, " \n"); at; at = strtok(NULL, " \n")) {
        if (count == sizeof words / sizeof *words - 1)
            FAIL(E2BIG, tool, ": more than ", decimal(EXTENTS_MAX), " ranges of ids");
        words[count++] = at;
    }
    words[count] = NULL;
    return words;
}

static void map_by(const char *tool, int pid, const struct text *map)
{
    static const char *nothing[] = {NULL};
    int in = memory_file("nothing"), out = memory_file("what it says");
    siginfo_t ended = {0};
    long r = program_run(tool, words_for(tool, pid, map), nothing, in, out, 0, &ended);
    if (r < 0)
        FAIL((int)-r, tool);
    if (ended.si_status != 0)
        FAIL(0, tool, how_it_ended(&ended), decimal(ended.si_status), last_words(out));
    call(close, in);
    call(close, out);
}

static long write_below(int pid, const char *file, const void *data, size_t size)
{
    char path[64] = "/proc/";
    strcat(path, decimal(pid));
    strcat(path, "/");
    strcat(path, file);
    return write_to(path, data, size);
}

static void write_map(int pid, const char *file, const struct text *map, const char *tool)
{
    if (!map->length)
        return;
    long r = write_below(pid, file, map->data, map->length);
    if (r == -EPERM && *tool)
        map_by(tool, pid, map);
    else if (r < 0)
        FAIL((int)-r, file, r == -EPERM ? ": more than the caller's own ids" : "");
}

void map_ids(int pid, const struct text *uid_map, const struct text *gid_map, bool deny)
{
    long r = deny ? write_below(pid, "setgroups", "deny", 4) : 0;
    if (r < 0)
        FAIL((int)-r, "setgroups");
    write_map(pid, "uid_map", uid_map, uid_tool);
    write_map(pid, "gid_map", gid_map, gid_tool);
}
