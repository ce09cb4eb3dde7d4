/* A filter that asks somebody else: SCMP_ACT_NOTIFY. */
#pragma once

#include "kernel.h"

/* Loads the program (struct sock_fprog) and sends its listener to the runtime; a negated errno. */
long load_with_listener(uint64_t flags, const void *program);
