/* What the runtime hears of, and what it is waited for. */
#pragma once

#include "kernel.h"

/* Dies with the runtime, until it has been told that all is ready. */
void die_with_runtime(void);
/* Whether Ready or WaitStart has passed: nobody listens any more. */
extern bool told_ready;
