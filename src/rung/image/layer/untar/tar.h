/* Archives as entries: ustar, GNU and PAX, sparse files of all kinds. */
#pragma once

#include "untar.h"

/* The next entry; false at the archive's end. What the one before left unread is passed over.
 * Its texts are valid until the next call. */
bool tar_next(struct entry *entry);

/* A header's or a record's number. Ends the process where it is none. */
int64_t header_number(const uint8_t *field, size_t size, const char *what);
int64_t decimal_number(struct text digits, struct text what);

/* --- pax.c ------------------------------------------------------------------------------ */

/* A long name or a set of records; containerd's and docker's reader allows 1 MiB too. */
enum { RECORD_LIMIT = 1 << 20 };

/* Records that hold for the next entry, or for all that follow. */
void pax_read(struct text records, bool global);
/* One record from elsewhere: GNU has headers of its own for long names. */
void pax_add(struct text key, struct text value);
bool pax_pending(void);
void pax_apply(struct entry *entry);
void pax_forget(void);

/* --- sparse.c ------------------------------------------------------------------------------ */

/* GNU's old header; its map may go on behind it in the archive. */
void sparse_header(const uint8_t *header);
/* A record "GNU.sparse.KEY". */
void sparse_record(struct text key, struct text value);
/* When the entry's `stored` bytes are about to come: what is before the data (PAX 1.0) is read,
 * the entry gets its map, and all of it is checked. */
void sparse_finish(struct entry *entry);
void sparse_forget(void);
