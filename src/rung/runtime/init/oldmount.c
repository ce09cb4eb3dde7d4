/* MountFs through mount(2), for option values that fsconfig cuts off, and for `iversion`, a flag
 * of every superblock that fsconfig does not know.
 *
 * An overlay of many layers has a lowerdir of more than 255 bytes, and only kernels from
 * 6.5 on take it in pieces. The old call takes a page of options; its target is a
 * descriptor too, by way of /proc/self/fd.
 */
#include "call.h"
#include "mount.h"
#include "path.h"

#define VALUE_MAX 255

static const struct {
    const char *word;
    unsigned long flag;
} superblock[] = {
    {"ro", MS_RDONLY},         {"sync", MS_SYNCHRONOUS}, {"dirsync", MS_DIRSYNC},    {"mand", MS_MANDLOCK},
    {"lazytime", MS_LAZYTIME}, {"silent", MS_SILENT},    {"iversion", MS_I_VERSION}, {"rw", 0}};

bool mount_needs_old_call(struct list options)
{
    while (options.count) {
        const char *option = list_string(&options), *value = strchr(option, '=');
        if ((value && strlen(value + 1) > VALUE_MAX) || strcmp(option, "iversion") == 0)
            return true;
    }
    return false;
}

/* The flag of a word that belongs to every file system, 0 and false for others. */
static bool is_flag(const char *option, unsigned long *flags)
{
    for (size_t i = 0; i < sizeof superblock / sizeof superblock[0]; i++)
        if (strcmp(option, superblock[i].word) == 0) {
            *flags |= superblock[i].flag;
            return true;
        }
    return false;
}

void mount_by_old_call(int onto, const union argument *given)
{
    const char *dest = given[0].s.data, *fstype = given[1].s.data;
    struct list options = given[3].l;
    char data[4096] = "", target[40] = "/proc/self/fd/";
    size_t length = 0;
    unsigned long flags = 0;
    while (options.count) {
        const char *option = list_string(&options);
        size_t more = strlen(option);
        if (is_flag(option, &flags))
            continue;
        if (length + more + 2 > sizeof data)
            FAIL(E2BIG, dest, ": the options are longer than a page");
        if (length)
            data[length++] = ',';
        memcpy(data + length, option, more + 1);
        length += more;
    }
    strcat(target, decimal(onto));
    long r = call(mount, given[2].s.data, target, fstype, flags, data);
    if (r < 0)
        FAIL((int)-r, dest, ": ", fstype, " ", data);
    call(close, onto);
    int mount = path_open(dest, O_PATH); /* now the new mount's root */
    if (mount < 0)
        FAIL(-mount, dest);
    r = mount_change(mount, given[4].u, given[4].u & MOUNT_ATTR__ATIME ? MOUNT_ATTR__ATIME : 0, given[5].u,
                     false);
    if (r < 0)
        FAIL((int)-r, dest, ": attributes");
    call(close, mount);
}
