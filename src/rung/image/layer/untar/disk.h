#pragma once

#include "untar.h"

/* Onto the file system whose root the process has made the layer's directory. */
void disk_begin(const char *opaque_attribute, bool may_have_devices);
