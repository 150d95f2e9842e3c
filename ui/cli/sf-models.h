/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tool tells of models with weights. */
#pragma once

#include "sfumato.h"

/* Whether @name is meant as a model: an id of the catalogue, or a file or folder of the kind. */
gboolean sf_models_know (const char *name);
/* sfumato info MODEL */
gboolean sf_models_info (const char *name, gboolean json, GError **error);
/* sfumato list models: those that work from the picture alone, those that are here, and those that are known. */
void sf_models_list (gboolean json);
