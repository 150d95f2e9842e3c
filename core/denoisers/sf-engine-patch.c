/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weight-free engine: a cascade of closed-form patch denoisers over the image pyramid.
 *
 * The coarsest level runs from noise, the finer ones from the result below.
 * Candidates differ by seed, by novelty (what earlier candidates copied costs) and by settings (see `recipes`).
 */
#include "denoisers/sf-engine.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "denoisers/sf-denoiser-patch.h"
#include "denoisers/sf-patch-bridge.h"
#include "denoisers/sf-patch-pyramid.h"
#include "denoisers/sf-patch-sources.h"
#include "diffusion/sf-betas.h"
#include "kernels/sf-kernels.h"
#include "tensor/sf-image.h"

#define STROKE_HOLE 64       /* px across at the level where strokes are found */
#define N_TRIALS 4           /* at the coarsest level, */
#define MIN_TRIALS 2         /* fewer where they are expensive: */
#define TRIAL_PAIRS 4e6      /* queries x sources that all trials together may have */
#define RANK_HOLE 32         /* px across at the level where a result is held against the ring */
#define COARSE_SIGMA_MAX 1.5
#define COARSE_SIGMA_MIN 0.15
#define FINE_SIGMA_MAX 0.15
#define FINE_SIGMA_MIN 0.03
#define FINE_SHARE (5.0 / 12)
#define RING 0.1             /* cost of sources that the ring does not explain */
#define NOVELTY 0.3          /* cost of sources that earlier candidates used */

/* How candidate i is made; the list is repeated. */
static const struct
{
  double mu;         /* of textured surroundings; smooth ones take SMOOTH_MU if that is less */
  gboolean strokes;
} recipes[] = {
  { 0.3, TRUE },
  { 0.3, TRUE },
  { 0.6, TRUE },
  { 0.3, FALSE },
};
#define SMOOTH_MU 0.1
#define SMOOTH_DETAIL 0.01   /* mean |Laplacian| at half size up to which surroundings are smooth */
#define TEXTURED_DETAIL 0.03

typedef struct
{
  SfEngine parent;
  SfPatchPyramid pyramid;   /* stage 0 is the finest: level l is stage n - 1 - l */
  SfLevel levels[SF_PATCH_MAX_LEVELS]; /* of stage i */
  GArray *strokes;          /* (nullable) */
  int stroke_stage;         /* where they were found */
  float *ring;              /* (nullable) of the coarsest image */
  float *detail, *budget;   /* (nullable) of the coarsest image */
  float *usage;             /* of the coarsest image: what earlier candidates copied */
  float *ring_cost, *novel_cost, *candidate_budget; /* of the coarsest image, for the present candidate */
  double smooth_mu;         /* upper bound of mu by the surroundings */
  double ring_detail;       /* mean |Laplacian| of the surroundings at rank_stage */
  gboolean bridged;         /* the present candidate follows the strokes, if there are any */
  int rank_stage;           /* half size */
  int ring_stage;           /* where the hole is small enough to hold the result against the ring */
} PatchEngine;

/*** Planning ***/

static int
trials_for (const SfPatchStage *stage)
{
  /* queries: what the state holds; a rough count is enough */
  double pairs = (double) stage->frame.h * stage->frame.w * stage->image->h * stage->image->w;

  return CLAMP ((int) (TRIAL_PAIRS / pairs), MIN_TRIALS, N_TRIALS);
}

static gboolean
level_start (const SfLevel *level, SfTensor *x, const SfProgress *progress, GError **error)
{
  return sf_denoiser_patch_start (level->denoiser, x, progress, error);
}

static gboolean
level_lift (const SfLevel *level, const SfLevel *below, const SfTensor *result, SfTensor *x, const SfProgress *progress, GError **error)
{
  return sf_denoiser_patch_lift (level->denoiser, below->denoiser, result, x, progress, error);
}

static gboolean
level_finish (const SfLevel *level, SfTensor *x, const SfProgress *progress, GError **error)
{
  return sf_denoiser_patch_finish (level->denoiser, x, progress, error);
}

static double
level_energy (const SfLevel *level)
{
  return sf_denoiser_patch_energy (level->denoiser);
}

static void
plan_levels (PatchEngine *self)
{
  const SfRegion *region = &self->pyramid.region;

  for (int i = 0; i < self->pyramid.n; i++)
    {
      const SfPatchStage *stage = &self->pyramid.stages[i];
      gboolean coarsest = i == self->pyramid.n - 1;

      self->levels[i] = (SfLevel) {
        .process = sf_noise_process_ddpm (),
        .height = stage->frame.h,
        .width = stage->frame.w,
        .channels = 3,
        .scale = pow (SF_PATCH_SCALE, -i),
        .spacing.sigma_max = coarsest ? COARSE_SIGMA_MAX : FINE_SIGMA_MAX,
        .spacing.sigma_min = coarsest ? COARSE_SIGMA_MIN : FINE_SIGMA_MIN,
        .step_share = coarsest ? 1 : FINE_SHARE,
        .finish_evaluations = (coarsest ? SF_PATCH_COARSE_PASSES : 0) + (i == 0 ? SF_PATCH_FINAL_PASSES : 0),
        .trials = coarsest && !region->generate && !region->keep_content ? trials_for (stage) : 1,
        .cost = (double) stage->frame.h * stage->frame.w,
        .start = level_start,
        .lift = level_lift,
        .finish = level_finish,
        .energy = level_energy,
      };
    }
}

/* What only a fill needs: strokes, what the ring explains, how smooth the surroundings are. */
static gboolean
study_surroundings (PatchEngine *self, const SfProgress *progress, GError **error)
{
  const int coarsest = self->pyramid.n - 1;
  const SfPatchImage *image = self->pyramid.stages[coarsest].image;
  const gsize n = (gsize) image->h * image->w;
  double detail;

  self->rank_stage = MIN (2, coarsest);
  self->ring_stage = sf_patch_pyramid_find (&self->pyramid, RANK_HOLE);
  self->smooth_mu = 1;
  self->usage = sf_try_alloc (n, sizeof (float), error);
  self->ring_cost = sf_try_alloc (n, sizeof (float), error);
  self->novel_cost = sf_try_alloc (n, sizeof (float), error);
  self->candidate_budget = sf_try_alloc (n, sizeof (float), error);
  if (self->usage == NULL || self->ring_cost == NULL || self->novel_cost == NULL || self->candidate_budget == NULL)
    return FALSE;
  if (self->pyramid.region.generate)
    return TRUE;
  detail = sf_patch_ring_detail (self->pyramid.stages[self->rank_stage].image, 12, progress, error);
  if (detail < 0)
    return FALSE;
  self->ring_detail = detail;
  if (detail < TEXTURED_DETAIL)
    {
      double textured = MAX (detail - SMOOTH_DETAIL, 0) / (TEXTURED_DETAIL - SMOOTH_DETAIL);

      self->smooth_mu = SMOOTH_MU + (recipes[0].mu - SMOOTH_MU) * textured;
    }
  if (self->pyramid.region.keep_content)
    return TRUE;
  self->stroke_stage = sf_patch_pyramid_find (&self->pyramid, STROKE_HOLE);
  self->strokes = sf_patch_find_strokes (self->pyramid.stages[self->stroke_stage].image, progress, error);
  self->ring = sf_try_alloc (n, sizeof (float), error);
  self->detail = sf_try_alloc (n, sizeof (float), error);
  self->budget = sf_try_alloc (n, sizeof (float), error);
  return self->strokes != NULL && self->ring != NULL && self->detail != NULL && self->budget != NULL &&
         sf_patch_ring_map (image, self->ring, progress, error) &&
         sf_patch_detail_maps (image, self->detail, self->budget, progress, error);
}

/*** Candidates ***/

/* Strokes at a level coarser than the one where they were found: painted there, then averaged. */
static gboolean
coarse_guide (PatchEngine *self, int i, SfPatchLevel *out, const SfProgress *progress, GError **error)
{
  const SfPatchImage *fine = self->pyramid.stages[self->stroke_stage].image, *image = self->pyramid.stages[i].image;
  g_autofree float *guide = sf_patch_pixels_new (fine->h, fine->w, error);
  g_autofree float *confidence = sf_try_alloc ((gsize) fine->h * fine->w, sizeof (float), error);

  out->guide = sf_patch_pixels_new (image->h, image->w, error);
  out->confidence = sf_try_alloc ((gsize) image->h * image->w, sizeof (float), error);
  if (guide == NULL || confidence == NULL || out->guide == NULL || out->confidence == NULL ||
      !sf_patch_paint_strokes (fine, self->strokes, 1, NULL, guide, confidence, progress, error))
    return FALSE;
  for (gsize k = 0; k < (gsize) fine->h * fine->w * 4; k++)
    guide[k] *= confidence[k / 4];
  sf_area_resize (guide, fine->h, fine->w, 4, out->guide, image->h, image->w, sf_progress_cancellable (progress));
  sf_area_resize (confidence, fine->h, fine->w, 1, out->confidence, image->h, image->w, sf_progress_cancellable (progress));
  for (gsize k = 0; k < (gsize) image->h * image->w * 4; k++)
    out->guide[k] /= MAX (out->confidence[k / 4], 1e-6f);
  return !sf_progress_stopped (progress, error);
}

/* What sources cost for this candidate, as maps of the coarsest level: not explained by the ring, used by an earlier
 * candidate, more detailed than their place allows.  Strokes may be as sharp as they are. */
static gboolean
make_costs (PatchEngine *self, gboolean strokes, const SfProgress *progress, GError **error)
{
  const int coarsest = self->pyramid.n - 1;
  const SfPatchImage *image = self->pyramid.stages[coarsest].image;
  gsize n = (gsize) image->h * image->w;
  SfPatchLevel painted = { 0 };
  gboolean done = TRUE;

  for (gsize i = 0; i < n; i++)
    {
      self->ring_cost[i] = self->ring != NULL ? (float) (RING * self->ring[i]) : 0;
      self->novel_cost[i] = self->ring_cost[i] + (float) (NOVELTY * self->usage[i]);
    }
  if (self->detail == NULL)
    return TRUE;
  memcpy (self->candidate_budget, self->budget, n * sizeof (float));
  if (!strokes)
    return TRUE;
  done = coarse_guide (self, coarsest, &painted, progress, error);
  for (int y = 0; done && y < image->h; y++)
    for (int x = 0; x < image->w; x++)
      {
        float most = 0;

        for (int k = 0; k < 25; k++)
          most = MAX (most, painted.confidence[(gsize) CLAMP (y + k / 5 - 2, 0, image->h - 1) * image->w +
                                               CLAMP (x + k % 5 - 2, 0, image->w - 1)]);
        self->candidate_budget[(gsize) y * image->w + x] += 4 * most;
      }
  g_free (painted.guide);
  g_free (painted.confidence);
  return done;
}

static gboolean
make_denoiser (PatchEngine *self, int i, double mu, gboolean strokes, guint64 seed, const SfProgress *progress, GError **error)
{
  const SfPatchStage *stage = &self->pyramid.stages[i];
  const int n = self->pyramid.n;
  const SfPatchImage *coarse = self->pyramid.stages[n - 1].image;
  SfPatchLevel patch = {
    .image = stage->image,
    .frame = stage->frame,
    .content = stage->content,
    .keep_content = self->pyramid.region.keep_content,
    .coarsest = i == n - 1,
    .finest = i == 0,
    .polish = self->pyramid.region.match_color && !self->pyramid.region.generate,
    .map_h = coarse->h,
    .map_w = coarse->w,
    .penalty = i == n - 1 ? self->novel_cost : self->ring_cost,
    .detail = self->detail,
    .budget = self->candidate_budget,
    .mu = mu,
    .seed = seed * SF_PATCH_MAX_LEVELS + i,
    .stroke_weight = 1,
  };

  g_clear_pointer (&self->levels[i].denoiser, sf_denoiser_free);
  if (strokes)
    {
      if (i < self->stroke_stage)
        {
          patch.strokes = self->strokes;
          patch.stroke_scale = (double) stage->image->h / self->pyramid.stages[self->stroke_stage].image->h;
          patch.stroke_weight = 0.6;
        }
      else if (!coarse_guide (self, i, &patch, progress, error))
        return FALSE;
    }
  self->levels[i].denoiser = sf_denoiser_patch_new (&patch, progress, error);
  return self->levels[i].denoiser != NULL;
}

static gboolean
patch_begin (SfEngine *engine, int candidate, guint64 seed, const SfTensor *content, const SfProgress *progress,
             GError **error)
{
  PatchEngine *self = (PatchEngine *) engine;
  const int recipe = candidate % (int) G_N_ELEMENTS (recipes);
  gboolean strokes = self->strokes != NULL && self->strokes->len > 0 && recipes[recipe].strokes;
  double mu = self->pyramid.region.generate ? 0 : MIN (recipes[recipe].mu, self->smooth_mu);

  self->bridged = strokes || self->strokes == NULL || self->strokes->len == 0;
  if (!make_costs (self, strokes, progress, error))
    return FALSE;
  for (int i = 0; i < engine->n_levels; i++)
    if (content == NULL && !self->pyramid.region.keep_content)
      g_clear_pointer (&self->pyramid.stages[i].content, g_free);
    else if (!sf_patch_pyramid_set_content (&self->pyramid, i, content, progress, error))
      return FALSE;
  for (int i = 0; i < engine->n_levels; i++)
    if (!make_denoiser (self, i, mu, strokes, seed, progress, error))
      return FALSE;
  return TRUE;
}

static const SfLevel *
patch_level (SfEngine *engine, int l)
{
  return &((PatchEngine *) engine)->levels[engine->n_levels - 1 - l];
}

typedef struct
{
  const SfPatchStage *stage;
  const SfPatchPyramid *pyramid;
  const SfTensor *x;
  SfTensor *out;
  double sy, sx; /* pixels of the level's image per pixel of the picture */
} Render;

static void
render_rows (gsize begin, gsize end, gpointer data)
{
  const Render *r = data;
  const SfRegion *region = &r->pyramid->region;
  const SfPatchImage *image = r->stage->image;
  const SfPatchFrame *f = &r->stage->frame;
  const int h = r->out->h, w = r->out->w;

  for (gsize y = begin; y < end; y++)
    for (int i = 0; i < w; i++)
      {
        /* the pixel's place in the picture, and in the level's image */
        double py = region->y + (y + 0.5) * region->height / h, px = region->x + (i + 0.5) * region->width / w;
        double iy = py * r->sy - 0.5, ix = px * r->sx - 0.5;
        float *o = r->out->data + (y * w + i) * 3, rgb[4];

        if (iy - f->y > -0.5 && ix - f->x > -0.5 && iy - f->y < f->h - 0.5 && ix - f->x < f->w - 0.5)
          sf_bilinear_sample (r->x->data, f->h, f->w, 3, iy - f->y, ix - f->x, o);
        else
          {
            sf_bilinear_sample (image->rgb, image->h, image->w, 4, iy, ix, rgb);
            memcpy (o, rgb, 3 * sizeof (float));
          }
        sf_patch_trend_add (&r->pyramid->trend, 1, py, px, o);
      }
}

static SfTensor *
patch_render (SfEngine *engine, int l, const SfTensor *x, GError **error)
{
  PatchEngine *self = (PatchEngine *) engine;
  const SfRegion *region = &self->pyramid.region;
  const SfPatchStage *stage = &self->pyramid.stages[engine->n_levels - 1 - l];
  double sy = (double) stage->image->h / region->image->h, sx = (double) stage->image->w / region->image->w;
  int h = MAX (1, (int) lrint (region->height * sy)), w = MAX (1, (int) lrint (region->width * sx));
  Render render = { .stage = stage, .pyramid = &self->pyramid, .x = x, .sy = sy, .sx = sx };

  if (stage->frame.own)
    return sf_tensor_copy (x, error);
  if ((render.out = sf_tensor_new (1, h, w, 3, error)) != NULL)
    sf_parallel_for (h, 16, render_rows, &render, NULL);
  return render.out;
}

/* Share of the result that the ring does not explain, at ring_stage, whose content it is. */
static double
unexplained_share (PatchEngine *self, const SfProgress *progress, GError **error)
{
  const SfPatchStage *stage = &self->pyramid.stages[self->ring_stage];
  const SfPatchFrame *f = &stage->frame;
  const SfPatchImage *image = stage->image;
  g_autofree float *filled = g_memdup2 (image->rgb, ((gsize) image->h * image->w + SF_PATCH_PAD) * 4 * sizeof (float));

  for (int y = 0; y < f->h; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize i = (gsize) (y + f->y) * image->w + x + f->x;

        if (image->state[i] == SF_PIXEL_HOLE)
          memcpy (filled + i * 4, stage->content + ((gsize) y * f->w + x) * 4, 3 * sizeof (float));
      }
  return sf_patch_unexplained (image, filled, progress, error);
}

/* Mean |Laplacian| of the result @x (state of @stage) in its hole. */
static double
result_detail (const SfPatchStage *stage, const SfTensor *x, GError **error)
{
  const SfPatchFrame *f = &stage->frame;
  g_autofree guint8 *state = sf_patch_frame_state (stage->image, f, error);

  return state != NULL ? sf_patch_detail (x->data, 3, state, SF_PIXEL_HOLE, f->h, f->w) : -1;
}

/* E = (mean RMS distance of the result's patches to the nearest source, at half size)
 *     * (1 + 10 U)                             U: share of the result that nothing in the ring explains
 *     * max (1, detail around / detail of the result)^1.5     else a blur would win
 *     * 1.25 if structures that cross the hole were not followed
 * so a confident copy of the wrong thing ranks last. */
static double
patch_end (SfEngine *engine, const SfTensor *result, const SfProgress *progress, GError **error)
{
  PatchEngine *self = (PatchEngine *) engine;
  const SfPatchStage *stage = &self->pyramid.stages[self->rank_stage];
  g_autoptr (SfDenoiser) judge = NULL;
  g_autoptr (SfTensor) x = NULL, y = NULL;
  SfPatchLevel patch = { .image = stage->image, .frame = stage->frame, .keep_content = self->pyramid.region.keep_content };
  const SfNoiseLevel clean = sf_noise_level_clean ();
  double unexplained = 0, detail, energy;

  sf_patch_field_add_usage (sf_denoiser_patch_get_field (self->levels[engine->n_levels - 1].denoiser), self->usage);
  if (self->pyramid.region.generate)
    return 0;
  if (!sf_patch_pyramid_set_content (&self->pyramid, self->rank_stage, result, progress, error) ||
      !sf_patch_pyramid_set_content (&self->pyramid, self->ring_stage, result, progress, error))
    return -1;
  patch.content = stage->content;
  x = sf_tensor_new (1, stage->frame.h, stage->frame.w, 3, error);
  y = sf_tensor_new (1, stage->frame.h, stage->frame.w, 3, error);
  if (x == NULL || y == NULL || (judge = sf_denoiser_patch_new (&patch, progress, error)) == NULL ||
      !sf_denoiser_patch_start (judge, x, progress, error) || (detail = result_detail (stage, x, error)) < 0 ||
      !sf_denoiser_predict (judge, x, &clean, y, NULL, progress, error))
    return -1;
  if (!self->pyramid.region.keep_content && (unexplained = unexplained_share (self, progress, error)) < 0)
    return -1;
  energy = sqrt (sf_denoiser_patch_energy (judge)) * (1 + 10 * unexplained);
  if (detail > 0 && self->ring_detail > detail)
    energy *= pow (self->ring_detail / detail, 1.5);
  return self->bridged ? energy : 1.25 * energy;
}

static void
patch_free (SfEngine *engine)
{
  PatchEngine *self = (PatchEngine *) engine;

  for (int i = 0; i < self->pyramid.n; i++)
    sf_denoiser_free (self->levels[i].denoiser);
  sf_patch_pyramid_clear (&self->pyramid);
  g_clear_pointer (&self->strokes, g_array_unref);
  g_free (self->ring);
  g_free (self->detail);
  g_free (self->budget);
  g_free (self->usage);
  g_free (self->ring_cost);
  g_free (self->novel_cost);
  g_free (self->candidate_budget);
  g_free (self);
}

/* Is there a whole patch of the smallest radius to copy from? */
static gboolean
has_source (const SfRegion *region)
{
  const int h = region->image->h, w = region->image->w;

  for (int y = 1; y < h - 1; y++)
    for (int x = 1; x < w - 1; x++)
      {
        gboolean usable = TRUE;

        for (int k = 0; k < 9 && usable; k++)
          {
            gsize i = (gsize) (y + k / 3 - 1) * w + x + k % 3 - 1;
            guint8 state = region->state != NULL ? region->state[i] : SF_PIXEL_KNOWN;

            usable = state == SF_PIXEL_KNOWN || (region->keep_content && state == SF_PIXEL_HOLE);
          }
        if (usable)
          return TRUE;
      }
  return FALSE;
}

static gboolean
patch_check (const SfRegion *region, const SfEngineUse *use, GError **error)
{
  if (has_source (region))
    return TRUE;
  if (region->generate)
    g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                         _ ("The example is too small or transparent: select at least 3 × 3 visible pixels to generate from"));
  else
    sf_denoiser_patch_refuse (error);
  return FALSE;
}

extern const SfEngineInfo sf_engine_patch;

static SfEngine *
patch_open (const SfRegion *region, const SfEngineUse *use, const SfProgress *progress, GError **error)
{
  PatchEngine *self = g_new0 (PatchEngine, 1);

  self->parent = (SfEngine) {
    .info = &sf_engine_patch,
    .least_steps = 1,
    .level = patch_level,
    .begin = patch_begin,
    .render = patch_render,
    .end = patch_end,
    .free = patch_free,
  };
  if (!sf_patch_pyramid_init (&self->pyramid, region, progress, error) || sf_progress_stopped (progress, error) ||
      !study_surroundings (self, progress, error))
    {
      patch_free (&self->parent);
      return NULL;
    }
  plan_levels (self);
  self->parent.n_levels = self->pyramid.n;
  return &self->parent;
}

const SfEngineInfo sf_engine_patch = {
  .name = "patch",
  .label = N_ ("This picture (no weights)"),
  .description = N_ ("Continues and varies what is already in the picture, by denoising with its own patches; knows no faces, text or objects"),
  .needs_picture = TRUE,
  .steps = 12,
  .sampler = "euler-ancestral",
  .schedule = "exponential",
  .check = patch_check,
  .open = patch_open,
};
