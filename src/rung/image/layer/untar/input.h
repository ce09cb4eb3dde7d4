/* The archive as bytes: a pipe that is read once, or a file in which one can skip. */
#pragma once

#include "untar.h"

/* With `headers_only` a file is read in small pieces: most of it is skipped. */
void input_begin(bool headers_only);
/* Of an archive that is a file. */
uint64_t input_size(void);
/* How many bytes of the archive have been taken. */
uint64_t input_offset(void);
/* Up to `limit` bytes where they lie, at least one; none at the archive's end. Taken when this returns. */
struct text input_some(uint64_t limit);
/* A block of 512 bytes, NULL at the end; `cut` where the archive ends within it. */
const uint8_t *input_block(bool *cut);
/* False where the archive ends before. */
bool input_copy(char *to, size_t size);
bool input_skip(uint64_t size);
/* Into a file from its present position, without passing through here where the kernel can do so. */
bool input_into(int fd, uint64_t size, int *error);
/* To the very end: whoever writes to the pipe is not cut off. */
void input_drain(void);
