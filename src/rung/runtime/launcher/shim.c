/* What `delete` and `start` of containerd's shim have in common. */

#include "shim.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool parse_shim(struct shim_request *request, int argc, char **argv)
{
    static const char *const names[] = {"namespace", "id", "bundle", "address", "publish-binary", "socket"};
    const char *unused[2];
    const char **const values[] = {&request->namespace, &request->id, &request->bundle, &request->address,
                                   &unused[0], &unused[1]};
    if (argc < 2)
        return false;
    request->action = argv[argc - 1];
    for (int at = 1; at < argc - 1; at++) {
        const char *word = argv[at];
        if (*word++ != '-')
            return false;
        word += *word == '-';
        if (strcmp(word, "debug") == 0)
            continue; /* the one switch that containerd gives */
        size_t length = strcspn(word, "="), which = 0, count = sizeof names / sizeof *names;
        while (which < count && (strlen(names[which]) != length || strncmp(names[which], word, length) != 0))
            which++;
        if (which == count || (!word[length] && ++at >= argc - 1))
            return false;
        *values[which] = word[length] ? word + length + 1 : argv[at];
    }
    return request->namespace && *request->namespace && request->id && *request->id && !strchr(request->id, '/');
}

bool is_plain(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~' || *text == '\\' || *text == '#' || *text == '"')
            return false;
    return true;
}

char *read_text(const char *path, size_t most)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd < 0 ? NULL : malloc(most + 1);
    size_t length = 0;
    ssize_t got = 0;
    if (text) {
        while (length <= most && (got = read(fd, text + length, most + 1 - length)) > 0)
            length += (size_t)got;
        if (got < 0 || !length || length > most) {
            free(text);
            text = NULL;
            errno = EINVAL;
        } else {
            text[length] = '\0';
        }
    }
    if (fd >= 0)
        close(fd);
    return text;
}

unsigned char *put_number(unsigned char *to, unsigned char tag, uint64_t value)
{
    *to++ = tag;
    for (; value >= 0x80; value >>= 7)
        *to++ = (unsigned char)(value | 0x80);
    *to++ = (unsigned char)value;
    return to;
}
