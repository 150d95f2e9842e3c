/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Golden networks: a folder with cases.json, and for each case a folder with a network and io.safetensors. */
#pragma once

#include "golden-private.h"

/* Runs every case of @folder, prints its line and counts it. */
gboolean golden_nets_run (const char *folder, int counts[N_OUTCOMES], GError **error);
