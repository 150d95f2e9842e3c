/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the fuzz targets share.  Each is a libFuzzer target, fuzz-NAME.c; with replay.c in place of libFuzzer it is a test. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "weights/sf-weights.h"

int LLVMFuzzerTestOneInput (const uint8_t *data, size_t size);

/* Reads the input as a file at @path and then every array of it; -1 for what is not of the format @name at all. */
int fuzz_read (const char *name, const char *path, const uint8_t *data, size_t size);
