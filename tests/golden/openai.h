/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Chains of improved-diffusion: "mean" and "var" of the model, all levels from the last timestep to the first. */
#pragma once

#include "mix.h"

/* The heads of "mean" and "var". */
void openai_set_model (Case *c, Mix *mix, const SfNoiseProcess *process);
/* Whether "var" is FIXED_LARGE. */
gboolean openai_large (Case *c);
/* (transfer full): from the last timestep of @process down to the clean image; compares "timestep_map", if there is one. */
SfNoiseLevel *openai_levels (Case *c, const SfNoiseProcess *process);
/* What sf_bound() gave, in nats, against "prior_bpd", "total_bpd", "vb", "xstart_mse" and "mse".  Overwrites @nats and @mse. */
void openai_compare_bound (Case *c, double *nats, double *mse, const SfNoiseLevel *levels, int n, int images, double tolerance);
