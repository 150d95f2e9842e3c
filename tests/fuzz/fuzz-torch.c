/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both layouts, and so zip and pickle. */
#include "fuzz.h"

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  return fuzz_read ("torch", "/nowhere", data, size);
}
