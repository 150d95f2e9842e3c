/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The closed-form denoiser over the patches of the picture itself, at one level of its pyramid.
 *
 *   D_qs = sum_j W_qj (z_qj - psi_sj)^2 + priors,   w_qs = softmax_s (-D_qs / 2 sigma^2)
 *   x0 (pixel) = robust mean over the patches q that cover it of sum_s w_qs psi_s [pixel - q]
 *
 * Known pixels enter clean with precision W = min (20, (sigma^2 + tau^2) / tau^2).  Where queries x sources is small
 * (the coarse levels) the softmax is computed exactly; elsewhere the nearest patch stands for it, which at sigma <= 0.15
 * it is to within 1.0 to 1.5 patches.  So the fine levels approximate the closed-form denoiser.
 */
#pragma once

#include "denoisers/sf-patch-field.h"

/* Evaluations after the last step: at the coarsest level, and at the finest. */
#define SF_PATCH_COARSE_PASSES 3
#define SF_PATCH_FINAL_PASSES 2

typedef struct
{
  const SfPatchImage *image; /* the dictionary */
  SfPatchFrame frame;
  const float *content;      /* (nullable) of the state, x 4: where the level starts */
  gboolean keep_content;     /* the hole's content is a legitimate source, 4 px away from itself */
  gboolean coarsest, finest;
  gboolean polish;
  const GArray *strokes;     /* (nullable) SfStrokes to paint as a guide */
  double stroke_scale;
  double stroke_weight;      /* 0…1 */
  float *guide, *confidence; /* (nullable) (transfer full) of the image instead: a guide painted already */
  int map_h, map_w;          /* size of the maps below, which are stretched over the image */
  const float *penalty;      /* (nullable) see sf_patch_field_set_penalty() */
  const float *detail, *budget; /* (nullable) see sf_patch_field_set_detail() */
  double mu;                 /* spatial prior */
  guint64 seed;
} SfPatchLevel;

/* Takes @level's (transfer full) members, also on error. */
SfDenoiser *sf_denoiser_patch_new (const SfPatchLevel *level, const SfProgress *progress, GError **error);
/* Says that there is no patch to copy from. */
void sf_denoiser_patch_refuse (GError **error);

/*** The hooks of SfLevel ***/

gboolean sf_denoiser_patch_start (SfDenoiser *denoiser, SfTensor *x, const SfProgress *progress, GError **error);
gboolean sf_denoiser_patch_lift (SfDenoiser *denoiser, SfDenoiser *below, const SfTensor *result, SfTensor *x,
                                 const SfProgress *progress, GError **error);
gboolean sf_denoiser_patch_finish (SfDenoiser *denoiser, SfTensor *x, const SfProgress *progress, GError **error);
/* Remembers the field of the best trial, for the lift. */
double sf_denoiser_patch_energy (SfDenoiser *denoiser);

/* The field of the best trial. */
SfPatchField *sf_denoiser_patch_get_field (SfDenoiser *denoiser);
