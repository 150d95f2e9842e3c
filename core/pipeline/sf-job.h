/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One piece of work on one picture, free of any host: plan, give pixels, run candidates, blend.
 *
 *   sf_job_new()         what is wanted, how large the picture is, where the selection lies   -> plan or error
 *   sf_job_get_crop()    the pixels that are needed (never the whole of a large picture)
 *   sf_job_set_pixels()  those pixels and the selection                                      -> ready or error
 *   sf_job_run()         one candidate, on any thread; again for the next                     -> SfResult
 *   sf_job_run_all()     or all of them                                                       -> array of SfResult
 *   sf_result_blend()    into the original pixels
 *
 * Coordinates are those of the picture (drawable) before the job; after Expand some are negative.
 * A job may be used by one thread at a time.
 */
#pragma once

#include "base/sf-progress.h"
#include "pipeline/sf-settings.h"
#include "tensor/sf-tensor.h"

typedef struct
{
  int x, y, width, height;
} SfRect;

typedef struct _SfJob SfJob;

/* What one run made.  Ref-counted, read-only. */
typedef struct
{
  SfRect rect;    /* where it belongs */
  SfTensor *rgba; /* 1 x height x width x 4: R'G'B'A in [0,1], straight alpha; made pixels, not blended */
  SfTensor *mask; /* 1 x height x width x 1: share of the made pixel in the final picture, 0…1 */
  int seed;       /* the one that sf_job_run() was given */
  int candidate;
  double energy;  /* how badly the result is explained by its surroundings: rank by it, lowest first */
  char *json;     /* sf_settings_to_json() */
} SfResult;

/**
 * sf_job_new:
 * @settings: copied
 * @width: of the picture in pixels; 0 x 0 where there is none, for a model that generates without one
 * @selection: (nullable): bounding box of what is selected, %NULL = no selection, that is everything.
 *             May stick out of the picture.
 *
 * Returns: (transfer full) (nullable): %NULL with %SF_ERROR_ARGUMENT or %SF_ERROR_REGION
 */
SfJob *sf_job_new (SfTask task, const SfSettings *settings, int width, int height, const SfRect *selection,
                   GError **error);
void sf_job_free (SfJob *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfJob, sf_job_free)

/* Whether sf_job_set_pixels() must be called: not for models that generate from nothing. */
gboolean sf_job_needs_pixels (const SfJob *self);
/* The picture afterwards: its size, and its origin in the coordinates from before (Expand: x = -left …). */
SfRect sf_job_get_canvas (const SfJob *self);
/* The pixels to give to sf_job_set_pixels(), inside the picture. */
SfRect sf_job_get_crop (const SfJob *self);
/* The rectangle of every result and preview. */
SfRect sf_job_get_frame (const SfJob *self);

/**
 * sf_job_set_pixels:
 * @rgba: (transfer full) (array length=crop height*width*4): R'G'B'A float (sRGB), straight alpha, the crop.
 *        NaN and infinities are taken as black and as the end of the range.
 * @coverage: (transfer full) (nullable) (array length=crop height*width): the selection, 0…1; %NULL = all selected
 *
 * Both are g_free()d.  Fails when nothing is selected, when there is nothing visible to continue, or when the
 * surroundings are too small.
 */
gboolean sf_job_set_pixels (SfJob *self, float *rgba, float *coverage, const SfProgress *progress, GError **error);

/* What one candidate will take; 0 = cannot be told. */
typedef struct
{
  int evaluations; /* of the denoiser */
  double seconds;  /* by the last evaluations of the model, or by how fast this machine is and what has to be prepared first */
  gsize memory;    /* bytes beside the pictures */
} SfEstimate;

/**
 * sf_job_estimate:
 *
 * After sf_job_set_pixels().  The first call makes the engine ready, which takes as long as the beginning of a run.
 */
SfEstimate sf_job_estimate (SfJob *self, const SfProgress *progress);

/**
 * SfPreviewFunc:
 * @image: 1 x h x w x 3, R'G'B' in [0,1]: the frame at the size of the level just finished
 *
 * Called on the working thread.
 */
typedef void (*SfPreviewFunc) (const SfTensor *image, int candidate, int level, int n_levels, gpointer data);

/**
 * sf_job_run:
 * @seed: base seed, as picked once for all candidates; candidate i uses @seed + i
 * @candidate: 0-based.  Candidate i avoids what the earlier ones of the same job copied, so run them in order.
 * @like: (nullable): start from this result instead ("more like this")
 * @preview: (nullable)
 *
 * Returns: (transfer full) (nullable): the result, or %NULL with %G_IO_ERROR_CANCELLED, %SF_ERROR_MEMORY, or %SF_ERROR_MODEL for weights
 *     that are no numbers or were changed meanwhile
 */
SfResult *sf_job_run (SfJob *self, int seed, int candidate, const SfResult *like, SfPreviewFunc preview,
                      gpointer preview_data, const SfProgress *progress, GError **error);

/* What is told on the way, on the working thread; each is nullable. */
typedef struct
{
  SfPreviewFunc frame;
  void (*result) (SfResult *result, gpointer data); /* when a candidate is finished */
  gpointer data;
} SfJobHooks;

/**
 * sf_job_run_all:
 * @n: number of candidates
 * @like: (nullable): see sf_job_run()
 * @hooks: (nullable)
 *
 * Returns: (transfer full) (element-type SfResult) (nullable): in the order of the candidates; %NULL with @error if one
 *          of them cannot be made
 */
GPtrArray *sf_job_run_all (SfJob *self, int seed, int n, const SfResult *like, const SfJobHooks *hooks,
                           const SfProgress *progress, GError **error);

/**
 * sf_job_get_noised:
 *
 * The forward process made visible: what the model is given at @strength, the frame at the size of the level where
 * the run would begin.  1 x h x w x 3, R'G'B' in [0,1].  Only for %SF_TASK_REGENERATE.
 */
SfTensor *sf_job_get_noised (SfJob *self, double strength, int seed, const SfProgress *progress, GError **error);

/* The seed that alone decides this candidate's noise: base seed + number, wrapping to stay in 0…G_MAXINT32. */
int sf_result_get_seed (const SfResult *self);

SfResult *sf_result_ref (SfResult *self);
void sf_result_unref (SfResult *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (SfResult, sf_result_unref)

/**
 * sf_result_blend:
 * @rgba: (inout) (array length=rect height*width*4): the original pixels of the result's rect, R'G'B'A float,
 *        zero outside of the old picture
 *
 * Mixes the made pixels in by the mask.  Where the mask is 0 nothing is touched; alpha changes only where the made
 * pixel is more opaque.
 */
void sf_result_blend (const SfResult *self, float *rgba);

/* Best first. */
int sf_result_compare (const SfResult *a, const SfResult *b);
/* (transfer full) (element-type SfResult): the same @results, the best first. */
GPtrArray *sf_results_rank (GPtrArray *results);
