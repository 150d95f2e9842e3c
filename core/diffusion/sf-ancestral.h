/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The step that the ancestral samplers share. */
#pragma once

#include "diffusion/sf-sampling.h"

/* For SfSampler.plan: with the denoiser's learned variance or, where there is none, the smaller or the larger of the fixed ones. */
int sf_ancestral_plan (const SfSampling *s, int k, SfSamplerStage *stages);
int sf_ancestral_large_plan (const SfSampling *s, int k, SfSamplerStage *stages);
/* For SfSampler.deviation: of a learned variance. */
gboolean sf_ancestral_deviation (const SfSampling *s, int k, SfTensor *deviation, GError **error);
