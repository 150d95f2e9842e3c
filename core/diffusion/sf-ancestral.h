/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step that the ancestral samplers share. */
#pragma once

#include "diffusion/sf-sampling.h"

/* From levels[k] to levels[k + 1] with the fixed variance, the @large one or the small one, or the denoiser's learned one. */
void sf_ancestral_plan (const SfSampling *s, int k, gboolean large, SfSamplerStage *stage);
/* For SfSampler.deviation: of a learned variance. */
gboolean sf_ancestral_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error);
