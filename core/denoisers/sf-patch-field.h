/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The nearest-patch field: for each patch of the state that touches what is made, its place in the dictionary.
 *
 * A level of the patch engine owns one field for the patch radius in use.  Searching fills `nn` and `cost`; voting
 * turns the field into pixels.
 */
#pragma once

#include "denoisers/sf-patch-image.h"

typedef struct
{
  const SfPatchImage *image;
  SfPatchFrame frame;
  int r;
  guint8 *fault;     /* of the image: what a source costs by itself, SF_FAULT_NEVER where there is none */
  float fault_scale; /* cost per sample of a patch = fault * this */
  guint8 *detail;    /* (nullable) of the image: log2 detail, quantised */
  float *budget;     /* (nullable) of query i: what a source may have, in the same units */
  float detail_scale; /* cost per sample of an octave too much */
  gint32 *sources;
  int n_sources;
  gint32 *query_map; /* of the state: query or -1 */
  gint32 *query;     /* of query i: y * w + x */
  guint8 *plain;     /* of query i: nothing in its patch is weighted */
  int n_queries;
  gint32 *nn, *old;  /* of query i: source, y * image w + x, or -1 */
  float *cost;
  float *means;      /* (nullable) of query i: its posterior-mean patch, p x p x 4, instead of nn's */
  float *psi;        /* (nullable) the sources' patches, as an exact search wants them */
  gboolean warm;     /* nn comes from an earlier search */
  gsize *centre;     /* scratch of a vote, of the state */
  float *weight;
} SfPatchField;

/**
 * sf_patch_field_new:
 * @hole: of the state: non-zero where something is made
 * @weighted: of the state: non-zero where the precision W may differ from 1
 * @keep_content: the hole's content in @image is a legitimate source
 *
 * A field with no sources is no error here; see n_sources.
 */
SfPatchField *sf_patch_field_new (const SfPatchImage *image, const SfPatchFrame *frame, const guint8 *hole,
                                  const guint8 *weighted, int r, gboolean keep_content, const SfProgress *progress,
                                  GError **error);
void sf_patch_field_free (SfPatchField *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfPatchField, sf_patch_field_free)

/* Counts the valid sources of @image without building anything. */
int sf_patch_count_sources (const SfPatchImage *image, int r, gboolean keep_content);

/**
 * sf_patch_field_set_penalty:
 * @penalty: (nullable): h x w, any size, stretched over the image: cost per sample of each source
 */
gboolean sf_patch_field_set_penalty (SfPatchField *self, const float *penalty, int h, int w, const SfProgress *progress,
                                     GError **error);

/**
 * sf_patch_field_set_detail:
 * @detail: h x w, stretched over the image: log2 of the detail around each source
 * @budget: h x w, likewise: log2 of the detail that may be pasted there
 * @cost: per sample of a patch, for a source an octave or more above its query's budget
 */
gboolean sf_patch_field_set_detail (SfPatchField *self, const float *detail, const float *budget, int h, int w,
                                    double cost, const SfProgress *progress, GError **error);

/* Takes over the sources of @other, a field over the same image and frame with another radius. */
void sf_patch_field_inherit (SfPatchField *self, const SfPatchField *other);

/**
 * sf_patch_field_lift:
 * @below: the field of the next coarser level
 *
 * Starts @self from @below: each query takes the place that its counterpart's source has in the finer picture.
 */
gboolean sf_patch_field_lift (SfPatchField *self, const SfPatchField *below, const SfProgress *progress, GError **error);

/* What a search looks for. */
typedef struct
{
  const float *z, *weight;   /* (h + 2 pad) x (w + 2 pad) x 4 with pad = r in wrapped directions */
  double mu;                 /* spatial prior, per sample, for a distance of the image's diagonal */
  double sigma;              /* of the posterior; 0 = the nearest patch */
  double completeness;       /* > 0: alpha, so that all of the dictionary gets used; exact search only */
  int exclude;               /* sources closer than this to their query are forbidden */
  guint64 seed;
} SfPatchQuery;

/* Pairs (query, source) up to which all are compared, as matrix products, and the posterior is the exact softmax; a
 * nearest-patch search (PatchMatch) above.  Measured: see tests/bench. */
#define SF_PATCH_EXACT_PAIRS 4e6

gboolean sf_patch_field_search (SfPatchField *self, const SfPatchQuery *query, const SfProgress *progress,
                                GError **error);
/* The exact posterior, in sf-patch-exact.c. */
gboolean sf_patch_field_search_exact (SfPatchField *self, const SfPatchQuery *query, const SfProgress *progress,
                                      GError **error);

/**
 * sf_patch_field_vote:
 * @s: the image's pixels, or others of the same layout (its gradients)
 * @weight: (nullable): of each query; queries without a source never vote
 * @window: p x p
 * @robust: > 0: mean -> mode, with this scale
 * @pixels: (array length=n_pixels): y * w + x of the state
 * @out: of the state, x 4; untouched where nothing votes
 */
gboolean sf_patch_field_vote (SfPatchField *self, const float *s, const float *weight, const float *window, double robust,
                              const gint32 *pixels, gsize n_pixels, float *out, const SfProgress *progress, GError **error);

/* Adds how often each pixel of the image is copied to @usage (image h x w), clipped to 1. */
void sf_patch_field_add_usage (const SfPatchField *self, float *usage);
