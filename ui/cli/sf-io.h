/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the system offers: files as plain bytes, and memory. */
#pragma once

#include "sfumato.h"

/* All @n bytes to @fd; %FALSE with errno. */
gboolean sf_io_write (int fd, const void *bytes, gsize n);
/* Bytes that this process may still take: what the system has free, or what its limit leaves (ulimit -v). */
double sf_io_memory_available (void);
