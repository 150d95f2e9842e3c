/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-denoiser-patch.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "denoisers/sf-patch-bridge.h"
#include "denoisers/sf-patch-solve.h"
#include "kernels/sf-kernels.h"
#include "tensor/sf-image.h"

#define TAU 0.15            /* of known pixels */
#define MAX_PRECISION 20.0
#define GUIDE_TAU 0.25      /* of strokes */
#define GUIDE_PRECISION 8.0
#define GAMMA 1.3f          /* a vote counts 1/GAMMA less per pixel away from what is known */
#define WINDOW 0.25         /* Gaussian of the vote, in patch sides */
#define ROBUST 0.2
#define RADIUS 3
#define FINAL_RADIUS 2
#define COARSE_SIGMA 0.02
#define EXCLUDE 4
#define COMPLETENESS 0.03   /* generate: richer, all of the example is used */
#define PIXEL_TILE 4096
#define DETAIL_COST 0.1     /* of a source that is an octave more detailed than its place allows */

typedef struct
{
  SfDenoiser parent;
  SfPatchLevel level;
  guint8 *hole;         /* of the state */
  guint8 *weighted;     /* where W may differ from 1 */
  guint8 *is_void;      /* counts for nothing */
  float *known;         /* of the state, x 4: clean pixels, 0 in the hole */
  float *guide, *confidence; /* (nullable) of the state */
  float *nearness;      /* of the state: GAMMA^-distance to what is known */
  gint32 *pixels;       /* of the hole */
  gsize n_pixels;
  float *z, *weight, *vote_weight;
  float *out;           /* of the state, x 4: the result; outside of the hole always what is known */
  SfPatchField *field;
  gint32 *best_nn;      /* (nullable) of the best trial */
  double best_energy;
  int calls;
} PatchDenoiser;

/*** Predict ***/

typedef struct
{
  PatchDenoiser *self;
  const float *x;       /* of the state, x 3 */
  double known_weight, guide_weight;
  int pad_y, pad_x;
} Prepare;

/* z and W of one row of the padded state. */
static void
prepare_rows (gsize begin, gsize end, gpointer data)
{
  const Prepare *p = data;
  const PatchDenoiser *self = p->self;
  const SfPatchFrame *f = &self->level.frame;
  const int zw = f->w + 2 * p->pad_x;

  for (gsize row = begin; row < end; row++)
    for (int column = 0; column < zw; column++)
      {
        int y = ((int) row - p->pad_y + f->h) % f->h, x = (column - p->pad_x + f->w) % f->w;
        gsize i = (gsize) y * f->w + x, o = (row * zw + column) * 4;
        float w, confidence = self->confidence != NULL ? self->confidence[i] : 0;

        if (self->hole[i])
          {
            w = (float) (1 + confidence * (p->guide_weight - 1));
            for (int c = 0; c < 3; c++)
              self->z[o + c] = confidence > 0 ? p->x[i * 3 + c] * (1 - confidence) + self->guide[i * 4 + c] * confidence
                                              : p->x[i * 3 + c];
          }
        else
          {
            w = self->is_void[i] ? 0 : (float) p->known_weight;
            memcpy (self->z + o, self->known + i * 4, 3 * sizeof (float));
          }
        for (int c = 0; c < 4; c++)
          self->weight[o + c] = w;
      }
}

static int
compare_floats (gconstpointer a, gconstpointer b)
{
  float x = *(const float *) a, y = *(const float *) b;

  return (x > y) - (x < y);
}

/* The upper quartile of the costs, from at most a thousand of them. */
static float
upper_quartile (const float *cost, int n)
{
  float sample[1024];
  int step = n / (int) G_N_ELEMENTS (sample) + 1, count = 0;

  for (int i = 0; i < n; i += step)
    sample[count++] = MIN (cost[i], 1e9f);
  qsort (sample, count, sizeof (float), compare_floats);
  return sample[count * 3 / 4];
}

typedef struct
{
  PatchDenoiser *self;
  float quartile;
} Weigh;

/* What is well explained, and near to what is known, has more to say. */
static void
weigh_tile (gsize begin, gsize end, gpointer data)
{
  const Weigh *weigh = data;
  PatchDenoiser *self = weigh->self;
  const SfPatchField *field = self->field;

  for (gsize i = begin; i < end; i++)
    {
      float explained = expf (-MIN (field->cost[i] / (2 * weigh->quartile), 60));

      self->vote_weight[i] = MAX (1e-12f, explained * self->nearness[field->query[i]]);
    }
}

static gboolean
weigh_votes (PatchDenoiser *self, const SfProgress *progress, GError **error)
{
  const SfPatchField *field = self->field;
  Weigh weigh = { self, upper_quartile (field->cost, field->n_queries) + 1e-6f };

  return sf_patch_for (field->n_queries, PIXEL_TILE, weigh_tile, &weigh, progress, error);
}

static void
make_window (int r, float *window)
{
  const int side = 2 * r + 1;
  double sigma = WINDOW * side;

  for (int i = 0; i < side * side; i++)
    {
      double y = i / side - r, x = i % side - r;

      window[i] = (float) exp (-(y * y + x * x) / (2 * sigma * sigma));
    }
}

/* Between `out` and a picture of the same size, x 3. */
typedef struct
{
  PatchDenoiser *self;
  const float *in;
  float *out;
} Transfer;

static void
hole_tile (gsize begin, gsize end, gpointer data)
{
  const Transfer *t = data;

  for (gsize k = begin; k < end; k++)
    memcpy (t->self->out + (gsize) t->self->pixels[k] * 4, t->in + (gsize) t->self->pixels[k] * 3, 3 * sizeof (float));
}

static void
set_hole (PatchDenoiser *self, const float *x)
{
  sf_parallel_for (self->n_pixels, PIXEL_TILE, hole_tile, &(Transfer) { .self = self, .in = x }, NULL);
}

static void
out_tile (gsize begin, gsize end, gpointer data)
{
  const Transfer *t = data;

  for (gsize i = begin; i < end; i++)
    memcpy (t->out + i * 3, t->self->out + i * 4, 3 * sizeof (float));
}

static void
out_to_tensor (PatchDenoiser *self, SfTensor *x)
{
  sf_parallel_for ((gsize) x->h * x->w, PIXEL_TILE, out_tile, &(Transfer) { .self = self, .out = x->data }, NULL);
}

/* Searches for x (h x w x 3) and leaves the votes in self->out (h x w x 4, known pixels clean). */
static gboolean
search_and_vote (PatchDenoiser *self, const float *x, double sigma, const SfProgress *progress, GError **error)
{
  const SfPatchFrame *f = &self->level.frame;
  const int r = self->field->r;
  Prepare prepare = {
    .self = self,
    .x = x,
    .known_weight = MIN (MAX_PRECISION, (sigma * sigma + TAU * TAU) / (TAU * TAU)),
    .guide_weight = MIN (GUIDE_PRECISION, (sigma * sigma + GUIDE_TAU * GUIDE_TAU) / (GUIDE_TAU * GUIDE_TAU)),
    .pad_y = f->wrap_y ? r : 0,
    .pad_x = f->wrap_x ? r : 0,
  };
  SfPatchQuery query = {
    .z = self->z,
    .weight = self->weight,
    .mu = self->level.mu,
    .sigma = sigma,
    .completeness = self->level.frame.own ? COMPLETENESS : 0,
    .exclude = self->level.keep_content ? EXCLUDE : 0,
    .seed = self->level.seed * 1000 + self->calls++,
  };
  float window[(2 * RADIUS + 1) * (2 * RADIUS + 1)];

  if (!sf_patch_for (f->h + 2 * prepare.pad_y, 16, prepare_rows, &prepare, progress, error) ||
      !sf_patch_field_search (self->field, &query, progress, error) ||
      (self->field->n_queries > 0 && !weigh_votes (self, progress, error)))
    return FALSE;
  make_window (r, window);
  set_hole (self, x);
  return sf_patch_field_vote (self->field, self->level.image->rgb, self->vote_weight, window, ROBUST, self->pixels,
                              self->n_pixels, self->out, progress, error);
}

static gboolean
denoise (PatchDenoiser *self, const SfTensor *x, double sigma, SfTensor *denoised, const SfProgress *progress, GError **error)
{
  if (!search_and_vote (self, x->data, sigma, progress, error))
    return FALSE;
  out_to_tensor (self, denoised);
  return TRUE;
}

static gboolean
predict (SfDenoiser *denoiser, const SfTensor *x, const SfNoiseLevel *level, SfTensor *denoised, SfTensor *variance,
         const SfProgress *progress, GError **error)
{
  return denoise ((PatchDenoiser *) denoiser, x, level->sigma, denoised, progress, error);
}

/* A field for patches of radius @r over this level, with what its sources cost. */
static SfPatchField *
make_field (const PatchDenoiser *self, int r, const SfProgress *progress, GError **error)
{
  const SfPatchLevel *level = &self->level;
  g_autoptr (SfPatchField) field = sf_patch_field_new (level->image, &level->frame, self->hole, self->weighted, r,
                                                       level->keep_content, progress, error);

  if (field == NULL || !sf_patch_field_set_penalty (field, level->penalty, level->map_h, level->map_w, progress, error))
    return NULL;
  if (level->detail != NULL && !sf_patch_field_set_detail (field, level->detail, level->budget, level->map_h,
                                                           level->map_w, DETAIL_COST, progress, error))
    return NULL;
  return g_steal_pointer (&field);
}

/*** Hooks ***/

gboolean
sf_denoiser_patch_start (SfDenoiser *denoiser, SfTensor *x, const SfProgress *progress, GError **error)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;
  const SfPatchLevel *level = &self->level;
  gsize n = (gsize) x->h * x->w;
  g_autofree guint8 *fixed = NULL;
  float mean[3] = { 0 };

  g_clear_pointer (&self->field->means, g_free);
  memset (self->field->nn, 0xff, self->field->n_queries * sizeof (gint32));
  self->field->warm = FALSE;
  if (level->content != NULL)
    {
      for (gsize i = 0; i < n; i++)
        memcpy (x->data + i * 3, level->content + i * 4, 3 * sizeof (float));
      return TRUE;
    }
  if ((fixed = sf_try_alloc (n, 1, error)) == NULL)
    return FALSE;
  for (int s = 0; s < self->field->n_sources; s++)
    for (int c = 0; c < 3; c++)
      mean[c] += level->image->rgb[(gsize) self->field->sources[s] * 4 + c] / self->field->n_sources;
  for (gsize i = 0; i < n; i++)
    {
      gboolean guided = self->confidence != NULL && self->confidence[i] > 0.5f;

      fixed[i] = guided || (!self->hole[i] && !self->is_void[i]);
      memcpy (self->out + i * 4, guided ? self->guide + i * 4 : fixed[i] ? self->known + i * 4
                                                                         : mean,
              3 * sizeof (float));
    }
  if (!level->frame.own && !sf_patch_harmonic (self->out, fixed, x->h, x->w, progress, error))
    return FALSE;
  out_to_tensor (self, x);
  memcpy (self->out, self->known, n * 4 * sizeof (float));
  return TRUE;
}

typedef struct
{
  PatchDenoiser *self;
  const PatchDenoiser *below;
  const float *result; /* of the level below */
} Lift;

/* Bilinear, in the coordinates that the two levels share. */
static void
lift_tile (gsize begin, gsize end, gpointer data)
{
  const Lift *lift = data;
  const PatchDenoiser *self = lift->self, *below = lift->below;
  const SfPatchFrame *f = &self->level.frame, *g = &below->level.frame;
  double ry = f->own ? (double) g->h / f->h : (double) below->level.image->h / self->level.image->h;
  double rx = f->own ? (double) g->w / f->w : (double) below->level.image->w / self->level.image->w;

  for (gsize k = begin; k < end; k++)
    {
      int y = self->pixels[k] / f->w, x = self->pixels[k] % f->w;

      sf_bilinear_sample (lift->result, g->h, g->w, 3, (f->y + y + 0.5) * ry - 0.5 - g->y,
                          (f->x + x + 0.5) * rx - 0.5 - g->x, self->out + (gsize) self->pixels[k] * 4);
    }
}

gboolean
sf_denoiser_patch_lift (SfDenoiser *denoiser, SfDenoiser *below, const SfTensor *result, SfTensor *x,
                        const SfProgress *progress, GError **error)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;
  float window[(2 * RADIUS + 1) * (2 * RADIUS + 1)];
  Lift lift = { self, (PatchDenoiser *) below, result->data };

  for (gsize i = 0; i < G_N_ELEMENTS (window); i++)
    window[i] = 1;
  g_clear_pointer (&self->field->means, g_free);
  /* pasted from this level's own patches: keeps the high frequencies that an upsampled picture lacks */
  if (!sf_patch_for (self->n_pixels, PIXEL_TILE, lift_tile, &lift, progress, error) ||
      !sf_patch_field_lift (self->field, sf_denoiser_patch_get_field (below), progress, error) ||
      !sf_patch_field_vote (self->field, self->level.image->rgb, NULL, window, 0, self->pixels, self->n_pixels, self->out,
                            progress, error))
    return FALSE;
  out_to_tensor (self, x);
  return TRUE;
}

gboolean
sf_denoiser_patch_finish (SfDenoiser *denoiser, SfTensor *x, const SfProgress *progress, GError **error)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;
  const SfPatchLevel *level = &self->level;

  if (level->coarsest)
    for (int i = 0; i < SF_PATCH_COARSE_PASSES; i++)
      if (!denoise (self, x, COARSE_SIGMA, x, progress, error))
        return FALSE;
  if (!level->finest)
    return TRUE;
  if (self->field->r > FINAL_RADIUS) /* it is smaller where nothing larger fits */
    {
      SfPatchField *small = make_field (self, FINAL_RADIUS, progress, error);

      if (small == NULL)
        return FALSE;
      sf_patch_field_inherit (small, self->field);
      sf_patch_field_free (self->field);
      self->field = small;
      g_free (self->vote_weight);
      self->vote_weight = sf_try_alloc (small->n_queries, sizeof (float), error);
      g_clear_pointer (&self->best_nn, g_free);
      if (self->vote_weight == NULL && small->n_queries > 0)
        return FALSE;
    }
  for (int i = 0; i < SF_PATCH_FINAL_PASSES; i++)
    if (!denoise (self, x, 0, x, progress, error))
      return FALSE;
  if (level->polish && !sf_patch_polish (self->field, self->vote_weight, self->hole, self->out, progress, error))
    return FALSE;
  out_to_tensor (self, x);
  return TRUE;
}

double
sf_denoiser_patch_energy (SfDenoiser *denoiser)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;
  SfPatchField *field = self->field;
  const int side = 2 * field->r + 1;
  double sum = 0;

  for (int i = 0; i < field->n_queries; i++)
    sum += MIN (field->cost[i], 1e9f);
  sum /= 3.0 * side * side * MAX (field->n_queries, 1);
  if (self->best_nn == NULL || sum < self->best_energy)
    {
      g_free (self->best_nn);
      self->best_nn = g_memdup2 (field->nn, field->n_queries * sizeof (gint32));
      self->best_energy = sum;
    }
  return sum;
}

SfPatchField *
sf_denoiser_patch_get_field (SfDenoiser *denoiser)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;

  if (self->best_nn != NULL)
    memcpy (self->field->nn, self->best_nn, self->field->n_queries * sizeof (gint32));
  return self->field;
}

/*** Making ***/

static void
denoiser_free (SfDenoiser *denoiser)
{
  PatchDenoiser *self = (PatchDenoiser *) denoiser;

  g_free (self->level.guide);
  g_free (self->level.confidence);
  g_free (self->hole);
  g_free (self->weighted);
  g_free (self->is_void);
  g_free (self->known);
  g_free (self->guide);
  g_free (self->confidence);
  g_free (self->nearness);
  g_free (self->pixels);
  g_free (self->z);
  g_free (self->weight);
  g_free (self->out);
  g_free (self->vote_weight);
  g_free (self->best_nn);
  sf_patch_field_free (self->field);
  g_free (self);
}

/* Hole and known pixels of the state. */
static void
state_rows (gsize begin, gsize end, gpointer data)
{
  PatchDenoiser *self = data;
  const SfPatchLevel *level = &self->level;
  const SfPatchFrame *f = &level->frame;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize i = y * f->w + x, o = (y + f->y) * level->image->w + x + f->x;
        guint8 state = f->own ? SF_PIXEL_HOLE : level->image->state[o];

        self->hole[i] = state == SF_PIXEL_HOLE;
        self->weighted[i] = state != SF_PIXEL_HOLE;
        self->is_void[i] = state == SF_PIXEL_VOID;
        if (state == SF_PIXEL_KNOWN)
          memcpy (self->known + i * 4, level->image->rgb + o * 4, 3 * sizeof (float));
      }
}

/* From distances to what is known. */
static void
nearness_tile (gsize begin, gsize end, gpointer data)
{
  PatchDenoiser *self = data;

  for (gsize i = begin; i < end; i++)
    self->nearness[i] = self->level.frame.own ? 1 : powf (GAMMA, -MIN (self->nearness[i], 60));
}

static gboolean
make_state (PatchDenoiser *self, const SfProgress *progress, GError **error)
{
  const SfPatchFrame *f = &self->level.frame;
  gsize n = (gsize) f->h * f->w;

  if ((self->hole = sf_try_alloc (n, 1, error)) == NULL || (self->weighted = sf_try_alloc (n, 1, error)) == NULL ||
      (self->is_void = sf_try_alloc (n, 1, error)) == NULL ||
      (self->known = sf_patch_pixels_new (f->h, f->w, error)) == NULL ||
      (self->nearness = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (self->pixels = sf_try_alloc (n, sizeof (gint32), error)) == NULL ||
      !sf_patch_for (f->h, 16, state_rows, self, progress, error))
    return FALSE;
  for (gsize i = 0; i < n; i++)
    if (self->hole[i])
      self->pixels[self->n_pixels++] = (gint32) i;
  sf_distance_transform (self->hole, TRUE, f->h, f->w, FALSE, self->nearness, sf_progress_cancellable (progress));
  return sf_patch_for (n, PIXEL_TILE, nearness_tile, self, progress, error);
}

/* The strokes, painted for this level, in the state. */
static gboolean
make_guide (PatchDenoiser *self, const SfProgress *progress, GError **error)
{
  SfPatchLevel *level = &self->level;
  const SfPatchFrame *f = &level->frame;
  const SfPatchImage *image = level->image;

  if (level->strokes == NULL && level->guide == NULL)
    return TRUE;
  if ((self->guide = sf_patch_pixels_new (f->h, f->w, error)) == NULL ||
      (self->confidence = sf_try_alloc ((gsize) f->h * f->w, sizeof (float), error)) == NULL)
    return FALSE;
  if (level->guide == NULL && !sf_patch_paint_strokes (image, level->strokes, level->stroke_scale, f, self->guide,
                                                       self->confidence, progress, error))
    return FALSE;
  for (int y = 0; y < f->h; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize i = (gsize) y * f->w + x, o = (gsize) (y + f->y) * image->w + x + f->x;

        if (level->guide != NULL)
          {
            memcpy (self->guide + i * 4, level->guide + o * 4, 3 * sizeof (float));
            self->confidence[i] = level->confidence[o];
          }
        self->confidence[i] = self->hole[i] ? (float) (CLAMP (self->confidence[i], 0, 1) * level->stroke_weight) : 0;
        if (self->hole[i])
          self->weighted[i] = self->confidence[i] > 0;
      }
  g_clear_pointer (&level->guide, g_free);
  g_clear_pointer (&level->confidence, g_free);
  return TRUE;
}

void
sf_denoiser_patch_refuse (GError **error)
{
  g_set_error_literal (error, SF_ERROR, SF_ERROR_REGION,
                       _ ("There is too little visible picture around the selection (at least 3 × 3 pixels are needed); make the selection smaller, or use a larger layer"));
}

SfDenoiser *
sf_denoiser_patch_new (const SfPatchLevel *level, const SfProgress *progress, GError **error)
{
  g_autoptr (SfDenoiser) owner = NULL;
  PatchDenoiser *self = g_new0 (PatchDenoiser, 1);
  const SfPatchFrame *f = &level->frame;
  const int pad_y = f->wrap_y ? RADIUS : 0, pad_x = f->wrap_x ? RADIUS : 0;

  owner = &self->parent;
  self->parent.predict = predict;
  self->parent.free = denoiser_free;
  self->level = *level;
  if (!make_state (self, progress, error) || !make_guide (self, progress, error) ||
      (self->z = sf_patch_pixels_new (f->h + 2 * pad_y, f->w + 2 * pad_x, error)) == NULL ||
      (self->weight = sf_patch_pixels_new (f->h + 2 * pad_y, f->w + 2 * pad_x, error)) == NULL ||
      (self->out = sf_patch_pixels_new (f->h, f->w, error)) == NULL)
    return NULL;
  memcpy (self->out, self->known, (gsize) f->h * f->w * 4 * sizeof (float));
  for (int r = RADIUS; r > 0 && (self->field == NULL || self->field->n_sources == 0); r--)
    {
      sf_patch_field_free (self->field);
      if ((self->field = make_field (self, r, progress, error)) == NULL)
        return NULL;
    }
  self->vote_weight = sf_try_alloc (self->field->n_queries, sizeof (float), error);
  if (self->vote_weight == NULL && self->field->n_queries > 0)
    return NULL;
  if (self->field->n_sources == 0)
    {
      sf_denoiser_patch_refuse (error);
      return NULL;
    }
  return g_steal_pointer (&owner);
}
