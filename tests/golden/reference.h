/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What parameters of the reference implementations mean in ours; shared by several groups. */
#pragma once

#include "diffusion/sf-noise-process.h"
#include "diffusion/sf-prediction.h"
#include "golden.h"

/* (transfer full) (nullable): the process of diffusers' scheduler arguments below @prefix ("kw." or "schedule."). */
SfNoiseProcess *reference_diffusers_process (Case *c, const char *prefix);
/* (transfer full) (nullable): the process of improved-diffusion's "schedule", "T", "sections", "rescale". */
SfNoiseProcess *reference_openai_process (Case *c);
/* The head named by diffusers' prediction_type below @prefix. */
SfPrediction reference_prediction (Case *c, const char *prefix, SfPrediction fallback);
/* The head named "eps", "x0" or "v" by @path. */
SfPrediction reference_head (Case *c, const char *path, SfPrediction fallback);
