/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Makes pictures: read, compute, write, on a thread of its own while the main thread listens to signals. */
#pragma once

#include "sf-options.h"

/* %FALSE with @error; nothing has been written then.  %G_IO_ERROR_CANCELLED after an interrupt. */
gboolean sf_run (const SfOptions *options, GError **error);
