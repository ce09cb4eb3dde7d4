#pragma once

#include "untar.h"

/* Make TARGET_FD's directory the root, in a mount namespace where nothing else is, and give up what is
 * not needed to unpack. */
void confine_to_target(void);
/* No paths at all: what is open is read and written, and no more. */
void confine_to_descriptors(void);
