#pragma once

#include "backend.h"

/* Unpacks the archive into the backend, reports, and ends the process. */
_Noreturn void unpack_layer(const struct backend *backend);
