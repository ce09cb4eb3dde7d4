#pragma once

/* Unpacks the archive into the backend, reports, and ends the process. */
_Noreturn void unpack_layer(void);
