/* What an entry's name means: a place in the layer, or a note to overlay a lower one.
 * layer/names.py says the same for what is not unpacked. OCI image specification, layer.md#whiteouts. */
#pragma once

#include "untar.h"

enum { PATH_LIMIT = 4095, NAME_LIMIT = 255 };
enum meaning { PLAIN, WHITEOUT, OPAQUE, IGNORED };

/* A name as a relative path without ".", ".." and empty parts, in memory that the next call with the same
 * `slot` uses again; empty: the root itself. A name that climbs out ends the process. */
struct text clean(int slot, struct text name, const char *what);
enum { NAME_SLOT, LINK_SLOT };

/* A clean path's directory; `last` its last part. */
struct text split(struct text path, struct text *last);

/* What a clean path means: PLAIN itself; WHITEOUT of `subject`; OPAQUE that directory; IGNORED for aufs's
 * own bookkeeping, which nothing else reads. */
enum meaning classify(struct text path, struct text *subject);
