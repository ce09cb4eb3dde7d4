/* What the runtime hears of, and what it is waited for. */
#pragma once

#include "kernel.h"

/* Dies with the runtime, until it has been told that all is ready. */
void die_with_runtime(void);
/* Sends a message and a descriptor; a negated errno. */
long send_descriptor(const char *message, size_t length, int fd);
/* Whether Ready or WaitStart has passed: nobody listens any more. */
extern bool told_ready;
