/* Programs that init starts and waits for: hooks, newuidmap. */
#pragma once

#include "kernel.h"

/* A file in memory, for what goes in and what comes out: no pipe can fill up, so nothing can
 * wait for anything. */
int memory_file(const char *name);
/* Runs it to its end: 0, -ETIMEDOUT (it was killed after `limit_s`, 0: none), or why it could not be started. */
long program_run(const char *path, const char **argv, const char **env, int in, int out, uint64_t limit_s,
                 siginfo_t *ended);
/* ": exit status " or ": killed by signal ", which si_status follows. */
const char *how_it_ended(const siginfo_t *ended);
/* ": " and the end of what it said, in one line; "" where it said nothing. */
const char *last_words(int out);
