/* What the launcher does of containerd's shim without Python: looking, and answering where it is sure. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shim_request {
    const char *action, *namespace, *id, *bundle, *address;
};

/* Go's flags, then the action; false where one is not known, or namespace or id are missing. */
bool parse_shim(struct shim_request *request, int argc, char **argv);

/* No blank, no quotation mark and nothing else that /proc/self/mountinfo or JSON write in another way. */
bool is_plain(const char *text);

/* A small file as text, to be freed; NULL with errno where it cannot be read, or is empty or larger than `most`. */
char *read_text(const char *path, size_t most);

/* A protocol buffer's tag of one byte, and a number or the length of what follows. */
unsigned char *put_number(unsigned char *to, unsigned char tag, uint64_t value);

/* 64 hexadecimal digits and a zero. */
void sha256_hex(const void *data, size_t length, char digits[65]);

/* `delete`: answers and ends the process where nothing is left of the container. Else it returns: nothing was done. */
void answer_delete(const struct shim_request *request);

/* `start`: has a shim listening, begins it with `python` and `boot`, prints its address and ends the process. Else it
 * returns: nothing was done, and standard input is as it was. */
void answer_start(const struct shim_request *request, int argc, char **argv, const char *python, const char *boot);
