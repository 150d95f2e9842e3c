/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The weight-free engine: a cascade of closed-form patch denoisers over the image pyramid.
 *
 * The pyramid (factor sqrt 2) stops where the hole would be less than 12 px across: below that, one patch spans it and
 * its border decides everything.  The coarsest level runs from noise, the finer ones from the result below.
 * Candidates differ by seed, by novelty (what earlier candidates copied costs) and by settings (see `recipes`).
 */
#include "denoisers/sf-engine.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-denoiser-patch.h"
#include "kernels/sf-kernels.h"
#include "denoisers/sf-patch-bridge.h"
#include "denoisers/sf-patch-sliver.h"
#include "denoisers/sf-patch-sources.h"

#define SCALE G_SQRT2
#define MIN_SIDE 24          /* of the coarsest level */
#define MIN_SOURCES 64       /* at the coarsest level */
#define MIN_HOLE 12          /* px across at the coarsest level */
#define STROKE_HOLE 64       /* px across at the level where strokes are found */
#define RADIUS 3
#define MARGIN (2 * RADIUS)
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
#define MAX_LEVELS 24

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
  SfPatchImage *image;
  SfPatchFrame frame;
  float *content;    /* (nullable) of the state, x 4 */
  double hole;       /* px across */
  SfLevel level;
} Level;

typedef struct
{
  SfEngine parent;
  SfRegion region;
  guint8 *state;            /* (nullable) replaces the region's: slivers belong to the hole */
  Level levels[MAX_LEVELS]; /* 0 = finest here: index n_levels - 1 - l */
  GArray *strokes;          /* (nullable) */
  int stroke_level;         /* index into levels */
  float *ring;              /* (nullable) of the coarsest image */
  float *detail, *budget;   /* (nullable) of the coarsest image */
  float *usage;             /* of the coarsest image: what earlier candidates copied */
  float *ring_cost, *novel_cost, *candidate_budget; /* of the coarsest image, for the present candidate */
  double smooth_mu;         /* upper bound of mu by the surroundings */
  double ring_detail;       /* mean |Laplacian| of the surroundings at rank_level */
  gboolean bridged;         /* the present candidate follows the strokes, if there are any */
  int rank_level;           /* half size */
  int ring_level;           /* where the hole is small enough to hold the result against the ring */
} PatchEngine;

/*** Planning ***/

/* px across: twice the largest distance of a hole pixel to what is not hole. */
static double
hole_size (const SfPatchImage *image, GError **error)
{
  gsize n = (gsize) image->h * image->w;
  g_autofree float *distance = sf_try_alloc (n, sizeof (float), error);
  float most = 0;

  if (distance == NULL || !sf_distance_transform (image->state, SF_PIXEL_HOLE, image->h, image->w, TRUE, distance, error))
    return -1;
  for (gsize i = 0; i < n; i++)
    most = MAX (most, distance[i]);
  return 2 * most;
}

/* The state's rectangle: what is made, with room for the patches that touch it. */
static SfPatchFrame
hole_frame (const SfPatchImage *image)
{
  int y0 = image->h, y1 = 0, x0 = image->w, x1 = 0;

  for (int y = 0; y < image->h; y++)
    for (int x = 0; x < image->w; x++)
      if (image->state[(gsize) y * image->w + x] == SF_PIXEL_HOLE)
        {
          y0 = MIN (y0, y);
          y1 = MAX (y1, y + 1);
          x0 = MIN (x0, x);
          x1 = MAX (x1, x + 1);
        }
  y0 = MAX (y0 - MARGIN, 0);
  x0 = MAX (x0 - MARGIN, 0);
  y1 = MIN (y1 + MARGIN, image->h);
  x1 = MIN (x1 + MARGIN, image->w);
  return (SfPatchFrame) { .h = MAX (y1 - y0, 1), .w = MAX (x1 - x0, 1), .y = y0, .x = x0 };
}

static gboolean
level_init (PatchEngine *self, int i, GError **error)
{
  const SfRegion *region = &self->region;
  double scale = pow (SCALE, i);
  Level *level = &self->levels[i];

  level->image = sf_patch_image_new (region->image, region->state, MAX (1, (int) lrint (region->image->h / scale)),
                                     MAX (1, (int) lrint (region->image->w / scale)), region->keep_content, FALSE, error);
  if (level->image == NULL)
    return FALSE;
  if (region->generate)
    level->frame = (SfPatchFrame) {
      .h = MAX (1, (int) lrint (region->height / scale)),
      .w = MAX (1, (int) lrint (region->width / scale)),
      .own = TRUE,
      .wrap_y = region->wrap_y,
      .wrap_x = region->wrap_x,
    };
  else
    {
      level->frame = hole_frame (level->image);
      if ((level->hole = hole_size (level->image, error)) < 0)
        return FALSE;
    }
  return TRUE;
}

static void
level_clear (Level *level)
{
  g_clear_pointer (&level->image, sf_patch_image_free);
  g_clear_pointer (&level->content, g_free);
  g_clear_pointer (&level->level.denoiser, sf_denoiser_free);
}

/* The images, as many as the picture and the hole allow. */
static gboolean
make_levels (PatchEngine *self, const SfProgress *progress, GError **error)
{
  const SfRegion *region = &self->region;
  int side = MIN (region->image->h, region->image->w), n = 1;

  if (region->generate)
    side = MIN (side, MIN (region->height, region->width));
  while (n < MAX_LEVELS && side / pow (SCALE, n) >= MIN_SIDE)
    n++;
  for (int i = 0; i < n; i++)
    {
      Level *level = &self->levels[i];

      level_clear (level);
      if (!level_init (self, i, error) || sf_progress_stopped (progress, error))
        return FALSE;
      self->parent.n_levels = i + 1;
      if (i > 0 && (sf_patch_count_sources (level->image, RADIUS, region->keep_content) < MIN_SOURCES ||
                    (!region->generate && level->hole < MIN_HOLE)))
        {
          level_clear (level);
          self->parent.n_levels = i;
          break;
        }
    }
  return TRUE;
}

/* The finest level whose hole is at most @size px across. */
static int
level_for_hole (const PatchEngine *self, double size)
{
  int i = 0;

  while (i < self->parent.n_levels - 1 && self->levels[i].hole > size)
    i++;
  return i;
}

/* Gives slivers of what is removed to the hole; returns whether there are any, negative on error. */
static int
add_slivers (PatchEngine *self, GError **error)
{
  const SfRegion *region = &self->region;
  const Level *level = &self->levels[level_for_hole (self, STROKE_HOLE)];
  const int H = region->image->h, W = region->image->w, h = level->image->h, w = level->image->w;
  g_autoptr (SfPatchImage) image = sf_patch_image_new (region->image, region->state, h, w, FALSE, TRUE, error);
  g_autofree guint8 *sliver = sf_try_alloc ((gsize) h * w, 1, error);
  g_autofree float *map = sf_try_alloc ((gsize) h * w, sizeof (float), error);
  int count;

  if (image == NULL || sliver == NULL || map == NULL)
    return -1;
  if ((count = sf_patch_find_slivers (image, level->hole, sliver, error)) <= 0)
    return count;
  if ((self->state = sf_try_alloc ((gsize) H * W, 1, error)) == NULL)
    return -1;
  for (gsize i = 0; i < (gsize) h * w; i++)
    map[i] = sliver[i];
  for (int y = 0; y < H; y++)
    for (int x = 0; x < W; x++)
      {
        gsize i = (gsize) y * W + x;
        float v;

        sf_bilinear_sample (map, h, w, 1, (y + 0.5) * h / H - 0.5, (x + 0.5) * w / W - 0.5, &v);
        self->state[i] = v > 0.5f && region->state[i] == SF_PIXEL_KNOWN ? SF_PIXEL_HOLE : region->state[i];
      }
  self->region.state = self->state;
  return 1;
}

static int
trials_for (const Level *level)
{
  /* queries: what the state holds; a rough count is enough */
  double pairs = (double) level->frame.h * level->frame.w * level->image->h * level->image->w;

  return CLAMP ((int) (TRIAL_PAIRS / pairs), MIN_TRIALS, N_TRIALS);
}

static gboolean
plan_levels (PatchEngine *self, const SfProgress *progress, GError **error)
{
  const SfRegion *region = &self->region;
  int slivers = 0;

  if (!make_levels (self, progress, error))
    return FALSE;
  if (region->removal && (slivers = add_slivers (self, error)) < 0)
    return FALSE;
  if (slivers > 0 && !make_levels (self, progress, error))
    return FALSE;
  for (int i = 0; i < self->parent.n_levels; i++)
    {
      Level *level = &self->levels[i];
      gboolean coarsest = i == self->parent.n_levels - 1;

      level->level = (SfLevel) {
        .height = level->frame.h,
        .width = level->frame.w,
        .scale = pow (SCALE, -i),
        .sigma_max = coarsest ? COARSE_SIGMA_MAX : FINE_SIGMA_MAX,
        .sigma_min = coarsest ? COARSE_SIGMA_MIN : FINE_SIGMA_MIN,
        .step_share = coarsest ? 1 : FINE_SHARE,
        .finish_evaluations = (coarsest ? SF_PATCH_COARSE_PASSES : 0) + (i == 0 ? SF_PATCH_FINAL_PASSES : 0),
        .trials = coarsest && !region->generate && !region->keep_content ? trials_for (level) : 1,
        .cost = (double) level->frame.h * level->frame.w,
        .start = sf_denoiser_patch_start,
        .lift = sf_denoiser_patch_lift,
        .finish = sf_denoiser_patch_finish,
        .energy = sf_denoiser_patch_energy,
      };
    }
  return TRUE;
}

/* What only a fill needs: strokes, what the ring explains, how smooth the surroundings are. */
static gboolean
study_surroundings (PatchEngine *self, GError **error)
{
  const int coarsest = self->parent.n_levels - 1;
  const SfPatchImage *image = self->levels[coarsest].image;
  const gsize n = (gsize) image->h * image->w;
  double detail;

  self->rank_level = MIN (2, coarsest);
  self->ring_level = level_for_hole (self, RANK_HOLE);
  self->smooth_mu = 1;
  self->usage = sf_try_alloc (n, sizeof (float), error);
  self->ring_cost = sf_try_alloc (n, sizeof (float), error);
  self->novel_cost = sf_try_alloc (n, sizeof (float), error);
  self->candidate_budget = sf_try_alloc (n, sizeof (float), error);
  if (self->usage == NULL || self->ring_cost == NULL || self->novel_cost == NULL || self->candidate_budget == NULL)
    return FALSE;
  if (self->region.generate)
    return TRUE;
  detail = sf_patch_ring_detail (self->levels[self->rank_level].image, 12, error);
  if (detail < 0)
    return FALSE;
  self->ring_detail = detail;
  if (detail < TEXTURED_DETAIL)
    {
      double textured = MAX (detail - SMOOTH_DETAIL, 0) / (TEXTURED_DETAIL - SMOOTH_DETAIL);

      self->smooth_mu = SMOOTH_MU + (recipes[0].mu - SMOOTH_MU) * textured;
    }
  if (self->region.keep_content)
    return TRUE;
  self->stroke_level = level_for_hole (self, STROKE_HOLE);
  self->strokes = sf_patch_find_strokes (self->levels[self->stroke_level].image, error);
  self->ring = sf_try_alloc (n, sizeof (float), error);
  self->detail = sf_try_alloc (n, sizeof (float), error);
  self->budget = sf_try_alloc (n, sizeof (float), error);
  return self->strokes != NULL && self->ring != NULL && self->detail != NULL && self->budget != NULL &&
         sf_patch_ring_map (image, self->ring, error) &&
         sf_patch_detail_maps (image, self->detail, self->budget, error);
}

/*** Candidates ***/

/* Strokes at a level coarser than the one where they were found: painted there, then averaged. */
static gboolean
coarse_guide (PatchEngine *self, int i, SfPatchLevel *out, GError **error)
{
  const SfPatchImage *fine = self->levels[self->stroke_level].image, *image = self->levels[i].image;
  g_autofree float *guide = sf_patch_pixels_new (fine->h, fine->w, error);
  g_autofree float *confidence = sf_try_alloc ((gsize) fine->h * fine->w, sizeof (float), error);

  out->guide = sf_patch_pixels_new (image->h, image->w, error);
  out->confidence = sf_try_alloc ((gsize) image->h * image->w, sizeof (float), error);
  if (guide == NULL || confidence == NULL || out->guide == NULL || out->confidence == NULL)
    return FALSE;
  sf_patch_paint_strokes (fine, self->strokes, 1, NULL, guide, confidence);
  for (gsize k = 0; k < (gsize) fine->h * fine->w * 4; k++)
    guide[k] *= confidence[k / 4];
  sf_area_resize (guide, fine->h, fine->w, 4, out->guide, image->h, image->w);
  sf_area_resize (confidence, fine->h, fine->w, 1, out->confidence, image->h, image->w);
  for (gsize k = 0; k < (gsize) image->h * image->w * 4; k++)
    out->guide[k] /= MAX (out->confidence[k / 4], 1e-6f);
  return TRUE;
}

/* What sources cost for this candidate, as maps of the coarsest level: not explained by the ring, used by an earlier
 * candidate, more detailed than their place allows.  Strokes may be as sharp as they are. */
static gboolean
make_costs (PatchEngine *self, gboolean strokes, GError **error)
{
  const int coarsest = self->parent.n_levels - 1;
  const SfPatchImage *image = self->levels[coarsest].image;
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
  done = coarse_guide (self, coarsest, &painted, error);
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
make_denoiser (PatchEngine *self, int i, double mu, gboolean strokes, guint64 seed, GError **error)
{
  Level *level = &self->levels[i];
  const int n = self->parent.n_levels;
  const SfPatchImage *coarse = self->levels[n - 1].image;
  SfPatchLevel patch = {
    .image = level->image,
    .frame = level->frame,
    .content = level->content,
    .keep_content = self->region.keep_content,
    .coarsest = i == n - 1,
    .finest = i == 0,
    .polish = self->region.match_color && !self->region.generate,
    .map_h = coarse->h,
    .map_w = coarse->w,
    .penalty = i == n - 1 ? self->novel_cost : self->ring_cost,
    .detail = self->detail,
    .budget = self->candidate_budget,
    .mu = mu,
    .seed = seed * MAX_LEVELS + i,
    .stroke_weight = 1,
  };

  g_clear_pointer (&level->level.denoiser, sf_denoiser_free);
  if (strokes)
    {
      if (i < self->stroke_level)
        {
          patch.strokes = self->strokes;
          patch.stroke_scale = (double) level->image->h / self->levels[self->stroke_level].image->h;
          patch.stroke_weight = 0.6;
        }
      else if (!coarse_guide (self, i, &patch, error))
        return FALSE;
    }
  level->level.denoiser = sf_denoiser_patch_new (&patch, error);
  return level->level.denoiser != NULL;
}

/* The picture with @content in its hole, at each level: where a run from content starts. */
static gboolean
make_content (PatchEngine *self, const SfTensor *content, GError **error)
{
  const SfRegion *region = &self->region;
  g_autoptr (SfTensor) full = NULL;

  if (region->generate)
    full = sf_tensor_copy (content, error);
  else if ((full = sf_tensor_copy (region->image, error)) != NULL && content != NULL)
    for (int y = 0; y < region->height; y++)
      for (int x = 0; x < region->width; x++)
        {
          gsize o = (gsize) (y + region->y) * full->w + x + region->x;

          if (region->state == NULL || region->state[o] == SF_PIXEL_HOLE)
            memcpy (full->data + o * 3, content->data + ((gsize) y * region->width + x) * 3, 3 * sizeof (float));
        }
  if (full == NULL)
    return FALSE;
  for (int i = 0; i < self->parent.n_levels; i++)
    {
      Level *level = &self->levels[i];
      const SfPatchFrame *f = &level->frame;
      int h = f->own ? f->h : level->image->h, w = f->own ? f->w : level->image->w;
      g_autofree float *small = sf_try_alloc ((gsize) h * w * 3, sizeof (float), error);

      g_free (level->content);
      level->content = sf_patch_pixels_new (f->h, f->w, error);
      if (small == NULL || level->content == NULL)
        return FALSE;
      sf_area_resize (full->data, full->h, full->w, 3, small, h, w);
      for (int y = 0; y < f->h; y++)
        for (int x = 0; x < f->w; x++)
          memcpy (level->content + ((gsize) y * f->w + x) * 4,
                  small + ((gsize) (y + f->y) * w + x + f->x) * 3, 3 * sizeof (float));
    }
  return TRUE;
}

static gboolean
patch_begin (SfEngine *engine, int candidate, guint64 seed, const SfTensor *content, const SfProgress *progress,
             GError **error)
{
  PatchEngine *self = (PatchEngine *) engine;
  const int recipe = candidate % (int) G_N_ELEMENTS (recipes);
  gboolean strokes = self->strokes != NULL && self->strokes->len > 0 && recipes[recipe].strokes;
  double mu = self->region.generate ? 0 : MIN (recipes[recipe].mu, self->smooth_mu);

  self->bridged = strokes || self->strokes == NULL || self->strokes->len == 0;
  if (!make_costs (self, strokes, error))
    return FALSE;
  if (content != NULL || self->region.keep_content)
    {
      if (!make_content (self, content, error))
        return FALSE;
    }
  else
    for (int i = 0; i < engine->n_levels; i++)
      g_clear_pointer (&self->levels[i].content, g_free);
  for (int i = 0; i < engine->n_levels; i++)
    if (!make_denoiser (self, i, mu, strokes, seed, error) || sf_progress_stopped (progress, error))
      return FALSE;
  return TRUE;
}

static const SfLevel *
patch_level (SfEngine *engine, int l)
{
  return &((PatchEngine *) engine)->levels[engine->n_levels - 1 - l].level;
}

static SfTensor *
patch_render (SfEngine *engine, int l, const SfTensor *x, GError **error)
{
  PatchEngine *self = (PatchEngine *) engine;
  const SfRegion *region = &self->region;
  const Level *level = &self->levels[engine->n_levels - 1 - l];
  const SfPatchFrame *f = &level->frame;
  double sy = (double) level->image->h / region->image->h, sx = (double) level->image->w / region->image->w;
  int h = MAX (1, (int) lrint (region->height * sy)), w = MAX (1, (int) lrint (region->width * sx));
  g_autoptr (SfTensor) out = NULL;

  if (f->own)
    return sf_tensor_copy (x, error);
  if ((out = sf_tensor_new (1, h, w, 3, error)) == NULL)
    return NULL;
  for (int y = 0; y < h; y++)
    for (int i = 0; i < w; i++)
      {
        /* the pixel's place in the level's image */
        double iy = (region->y + (y + 0.5) * region->height / h) * sy - 0.5;
        double ix = (region->x + (i + 0.5) * region->width / w) * sx - 0.5;
        float *o = out->data + ((gsize) y * w + i) * 3, rgb[4];

        if (iy - f->y > -0.5 && ix - f->x > -0.5 && iy - f->y < f->h - 0.5 && ix - f->x < f->w - 0.5)
          sf_bilinear_sample (x->data, f->h, f->w, 3, iy - f->y, ix - f->x, o);
        else
          {
            sf_bilinear_sample (level->image->rgb, level->image->h, level->image->w, 4, iy, ix, rgb);
            memcpy (o, rgb, 3 * sizeof (float));
          }
      }
  return g_steal_pointer (&out);
}

/* Share of the result that the ring does not explain, at ring_level; make_content() has been called. */
static double
unexplained_share (PatchEngine *self, GError **error)
{
  const Level *level = &self->levels[self->ring_level];
  const SfPatchFrame *f = &level->frame;
  const SfPatchImage *image = level->image;
  g_autofree float *filled = g_memdup2 (image->rgb, ((gsize) image->h * image->w + SF_PATCH_PAD) * 4 * sizeof (float));

  for (int y = 0; y < f->h; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize i = (gsize) (y + f->y) * image->w + x + f->x;

        if (image->state[i] == SF_PIXEL_HOLE)
          memcpy (filled + i * 4, level->content + ((gsize) y * f->w + x) * 4, 3 * sizeof (float));
      }
  return sf_patch_unexplained (image, filled, error);
}

/* Mean |Laplacian| of the result @x (state of @level) in its hole. */
static double
result_detail (const Level *level, const SfTensor *x, GError **error)
{
  const SfPatchFrame *f = &level->frame;
  g_autofree guint8 *state = sf_try_alloc ((gsize) f->h * f->w, 1, error);

  if (state == NULL)
    return -1;
  for (int y = 0; y < f->h; y++)
    memcpy (state + (gsize) y * f->w, level->image->state + (gsize) (y + f->y) * level->image->w + f->x, f->w);
  return sf_patch_detail (x->data, 3, state, SF_PIXEL_HOLE, f->h, f->w);
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
  Level *level = &self->levels[self->rank_level];
  g_autoptr (SfDenoiser) judge = NULL;
  g_autoptr (SfTensor) x = NULL, y = NULL;
  SfPatchLevel patch = { .image = level->image, .frame = level->frame, .keep_content = self->region.keep_content };
  double unexplained = 0, detail, energy;

  sf_patch_field_add_usage (sf_denoiser_patch_get_field (self->levels[engine->n_levels - 1].level.denoiser), self->usage);
  if (self->region.generate)
    return 0;
  if (!make_content (self, result, error))
    return -1;
  patch.content = level->content;
  x = sf_tensor_new (1, level->frame.h, level->frame.w, 3, error);
  y = sf_tensor_new (1, level->frame.h, level->frame.w, 3, error);
  if (x == NULL || y == NULL || (judge = sf_denoiser_patch_new (&patch, error)) == NULL ||
      !sf_denoiser_patch_start (judge, x, error) || (detail = result_detail (level, x, error)) < 0 ||
      !sf_denoiser_predict (judge, x, 0, y, progress, error))
    return -1;
  if (!self->region.keep_content && (unexplained = unexplained_share (self, error)) < 0)
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

  for (int i = 0; i < MAX_LEVELS; i++)
    level_clear (&self->levels[i]);
  g_clear_pointer (&self->strokes, g_array_unref);
  g_free (self->ring);
  g_free (self->detail);
  g_free (self->budget);
  g_free (self->state);
  g_free (self->usage);
  g_free (self->ring_cost);
  g_free (self->novel_cost);
  g_free (self->candidate_budget);
  g_free (self);
}

static SfEngine *
patch_open (const SfRegion *region, const SfProgress *progress, GError **error)
{
  PatchEngine *self = g_new0 (PatchEngine, 1);
  extern const SfEngineInfo sf_engine_patch;

  self->parent = (SfEngine) {
    .info = &sf_engine_patch,
    .level = patch_level,
    .begin = patch_begin,
    .render = patch_render,
    .end = patch_end,
    .free = patch_free,
  };
  self->region = *region;
  if (!plan_levels (self, progress, error) || !study_surroundings (self, error))
    {
      patch_free (&self->parent);
      return NULL;
    }
  return &self->parent;
}

const SfEngineInfo sf_engine_patch = {
  .name = "patch",
  .label = N_ ("This picture (no weights)"),
  .description = N_ ("Continues and varies what is already in the picture, by denoising with its own patches; knows no faces, text or objects"),
  .steps = 12,
  .sampler = "euler-ancestral",
  .schedule = "exponential",
  .open = patch_open,
};
