#include "name.h"

struct text clean(int slot, struct text name, const char *what)
{
    static char paths[2][PATH_LIMIT + NAME_LIMIT + 2];
    char *path = paths[slot];
    size_t size = 0, at = 0;
    if (memchr(name.data, 0, name.size))
        fail_layer(what, name, "has a NUL byte in its name");
    while (at < name.size) {
        const char *part = name.data + at;
        const char *slash = memchr(part, '/', name.size - at);
        size_t length = slash ? (size_t)(slash - part) : name.size - at;
        at += length + 1;
        if (!length || (length == 1 && part[0] == '.'))
            continue;
        if (length == 2 && part[0] == '.' && part[1] == '.') {
            if (!size)
                fail_layer(what, name, "climbs out of the layer");
            while (size && path[--size] != '/')
                ;
            continue;
        }
        if (length > NAME_LIMIT)
            fail_layer(what, name, "has a part longer than %d bytes", NAME_LIMIT);
        if (size + 1 + length > PATH_LIMIT)
            fail_layer(what, name, "is longer than a path may be (%d bytes)", PATH_LIMIT);
        if (size)
            path[size++] = '/';
        memcpy(path + size, part, length);
        size += length;
    }
    path[size] = 0;
    return (struct text){path, size};
}

struct text split(struct text path, struct text *last)
{
    const char *slash = memrchr(path.data, '/', path.size);
    size_t size = slash ? (size_t)(slash - path.data) : 0, skipped = slash ? size + 1 : 0;
    *last = (struct text){path.data + skipped, path.size - skipped};
    return (struct text){path.data, size};
}

enum meaning classify(struct text path, struct text *subject)
{
    static char hidden[PATH_LIMIT + 1];
    struct text last, directory = split(path, &last), prefix = TEXT(".wh.");
    *subject = path;
    if (!starts(last, prefix))
        return PLAIN;
    if (same(last, TEXT(".wh..wh..opq"))) {
        *subject = directory;
        return OPAQUE;
    }
    if (starts(last, TEXT(".wh..wh.")))
        return IGNORED;
    struct text name = {last.data + prefix.size, last.size - prefix.size};
    if (!name.size || same(name, TEXT(".")) || same(name, TEXT("..")))
        fail_layer("whiteout", path, "hides nothing that could be there");
    size_t at = (size_t)(last.data - path.data);
    memcpy(hidden, path.data, at);
    memcpy(hidden + at, name.data, name.size);
    hidden[at + name.size] = 0;
    *subject = (struct text){hidden, at + name.size};
    return WHITEOUT;
}
