/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of reference.h share. */
#pragma once

#include "base/sf-description.h"
#include "reference.h"

/* Parameters below a prefix */
double reference_number (Case *c, const char *prefix, const char *name, double fallback);
gboolean reference_flag (Case *c, const char *prefix, const char *name);
gboolean reference_flag_or (Case *c, const char *prefix, const char *name, gboolean fallback);
const char *reference_text (Case *c, const char *prefix, const char *name, const char *fallback);
/* (transfer full) (nullable) */
double *reference_list (Case *c, const char *path, int *n);

/* The parameters below @prefix, as the core reads a scheduler_config.json. */
SfDescription reference_begin_description (Case *c, const char *prefix);
/* FALSE, and the case fails, with the error of the reader.  What it asked for has been asked for in the case. */
gboolean reference_end_description (Case *c, const char *prefix, SfDescription *config);
