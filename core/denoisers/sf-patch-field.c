/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-field.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "kernels/sf-kernels.h"
#include "tensor/sf-image.h"

#define N_ITERATIONS 2        /* with a warm start */
#define N_ITERATIONS_COLD 10
#define N_RANDOM 6
#define COHERENCE 1.5f        /* a neighbour's source wins up to this times the cost: sharpness */
#define QUERY_TILE 256        /* of a search */
#define VOTE_TILE 64          /* pixels: a coarse level has a few hundred of them */
#define MAP_TILE 4096         /* of what takes a few ns for each item */

/*** Building ***/

/* 1 where a whole patch lies in the image and may be copied. */
static guint8 *
valid_centres (const SfPatchImage *image, int r, gboolean keep_content, int *n, const SfProgress *progress, GError **error)
{
  gsize size = (gsize) image->h * image->w;
  g_autofree guint8 *valid = sf_try_alloc (size, 1, error);

  *n = 0;
  if (valid == NULL || sf_progress_stopped (progress, error))
    return NULL;
  for (gsize i = 0; i < size; i++) /* the opposite at first */
    valid[i] = image->state[i] == SF_PIXEL_VOID || (!keep_content && image->state[i] == SF_PIXEL_HOLE);
  sf_dilate (valid, image->h, image->w, r, FALSE, FALSE, sf_progress_cancellable (progress));
  if (sf_progress_stopped (progress, error))
    return NULL;
  for (int y = 0; y < image->h; y++)
    for (int x = 0; x < image->w; x++)
      {
        guint8 *v = valid + (gsize) y * image->w + x;

        *v = !*v && y >= r && x >= r && y < image->h - r && x < image->w - r;
        *n += *v;
      }
  return g_steal_pointer (&valid);
}

int
sf_patch_count_sources (const SfPatchImage *image, int r, gboolean keep_content)
{
  int n;

  g_free (valid_centres (image, r, keep_content, &n, NULL, NULL));
  return n;
}

/* 1 where the patch around a pixel of the state touches what @mask has set. */
static guint8 *
find_touching (const SfPatchFrame *f, const guint8 *mask, int r, const SfProgress *progress, GError **error)
{
  gsize n = (gsize) f->h * f->w;
  guint8 *touches = sf_try_alloc (n, 1, error);

  if (touches == NULL)
    return NULL;
  memcpy (touches, mask, n);
  sf_dilate (touches, f->h, f->w, r, f->wrap_y, f->wrap_x, sf_progress_cancellable (progress));
  return touches;
}

static gboolean
make_queries (SfPatchField *self, const guint8 *hole, const guint8 *weighted, const SfProgress *progress, GError **error)
{
  const SfPatchFrame *f = &self->frame;
  const int r = self->r, ry = f->wrap_y ? 0 : r, rx = f->wrap_x ? 0 : r;
  g_autofree guint8 *touches_hole = find_touching (f, hole, r, progress, error);
  g_autofree guint8 *touches_weighted = find_touching (f, weighted, r, progress, error);
  gsize n = 0;

  self->query_map = sf_try_alloc ((gsize) f->h * f->w, sizeof (gint32), error);
  if (self->query_map == NULL || touches_hole == NULL || touches_weighted == NULL)
    return FALSE;
  memset (self->query_map, 0xff, (gsize) f->h * f->w * sizeof (gint32));
  for (int y = ry; y < f->h - ry; y++)
    for (int x = rx; x < f->w - rx; x++)
      if (touches_hole[(gsize) y * f->w + x])
        self->query_map[(gsize) y * f->w + x] = (gint32) n++;
  self->n_queries = (int) n;
  if ((self->query = sf_try_alloc (n, sizeof (gint32), error)) == NULL ||
      (self->plain = sf_try_alloc (n, 1, error)) == NULL ||
      (self->nn = sf_try_alloc (n, sizeof (gint32), error)) == NULL ||
      (self->old = sf_try_alloc (n, sizeof (gint32), error)) == NULL ||
      (self->cost = sf_try_alloc (n, sizeof (float), error)) == NULL ||
      (self->centre = sf_try_alloc ((gsize) f->h * f->w, sizeof (gsize), error)) == NULL ||
      (self->weight = sf_try_alloc ((gsize) f->h * f->w, sizeof (float), error)) == NULL)
    return n == 0;
  memset (self->nn, 0xff, n * sizeof (gint32));
  for (gsize i = 0; i < (gsize) f->h * f->w; i++)
    if (self->query_map[i] >= 0)
      {
        self->query[self->query_map[i]] = (gint32) i;
        self->plain[self->query_map[i]] = !touches_weighted[i];
      }
  return TRUE;
}

SfPatchField *
sf_patch_field_new (const SfPatchImage *image, const SfPatchFrame *frame, const guint8 *hole, const guint8 *weighted,
                    int r, gboolean keep_content, const SfProgress *progress, GError **error)
{
  g_autoptr (SfPatchField) self = g_new0 (SfPatchField, 1);
  int n = 0;

  self->image = image;
  self->frame = *frame;
  self->r = r;
  self->fault = valid_centres (image, r, keep_content, &self->n_sources, progress, error);
  if (self->fault == NULL || sf_progress_stopped (progress, error))
    return NULL;
  self->sources = sf_try_alloc (MAX (self->n_sources, 1), sizeof (gint32), error);
  if (self->sources == NULL || !make_queries (self, hole, weighted, progress, error) ||
      sf_progress_stopped (progress, error))
    return NULL;
  for (gsize i = 0; i < (gsize) image->h * image->w; i++)
    {
      if (self->fault[i])
        self->sources[n++] = (gint32) i;
      self->fault[i] = self->fault[i] ? 0 : SF_FAULT_NEVER;
    }
  return g_steal_pointer (&self);
}

void
sf_patch_field_free (SfPatchField *self)
{
  if (self == NULL)
    return;
  g_free (self->fault);
  g_free (self->detail);
  g_free (self->budget);
  g_free (self->sources);
  g_free (self->query_map);
  g_free (self->query);
  g_free (self->plain);
  g_free (self->nn);
  g_free (self->old);
  g_free (self->cost);
  g_free (self->means);
  g_free (self->psi);
  g_free (self->centre);
  g_free (self->weight);
  g_free (self);
}

/* The value of a h x w @map, stretched over the image, at pixel (@y, @x) of the image. */
static float
map_at (const SfPatchImage *image, const float *map, int h, int w, int y, int x)
{
  float value;

  sf_bilinear_sample (map, h, w, 1, (y + 0.5) * h / image->h - 0.5, (x + 0.5) * w / image->w - 0.5, &value);
  return value;
}

typedef struct
{
  SfPatchField *field;
  const float *map;
  int h, w;
  float scale, zero; /* byte = map * scale + zero */
  guint8 *out;       /* of the image; written at the sources */
} SourceMap;

static void
source_map_tile (gsize begin, gsize end, gpointer data)
{
  const SourceMap *m = data;
  const SfPatchImage *image = m->field->image;

  for (gsize i = begin; i < end; i++)
    {
      gint32 s = m->field->sources[i];
      float v = map_at (image, m->map, m->h, m->w, s / image->w, s % image->w);

      m->out[s] = (guint8) CLAMP (v * m->scale + m->zero + 0.5f, 0, SF_FAULT_MAX);
    }
}

gboolean
sf_patch_field_set_penalty (SfPatchField *self, const float *penalty, int h, int w, const SfProgress *progress,
                            GError **error)
{
  float most = 0;

  if (penalty == NULL)
    return TRUE;
  for (gsize i = 0; i < (gsize) h * w; i++)
    most = MAX (most, penalty[i]);
  self->fault_scale = most / SF_FAULT_MAX;
  return most == 0 ||
         sf_patch_for (self->n_sources, MAP_TILE, source_map_tile,
                       &(SourceMap) { self, penalty, h, w, 1 / self->fault_scale, 0, self->fault }, progress, error);
}

typedef struct
{
  SfPatchField *field;
  const float *map;
  int h, w;
  float zero;
} BudgetMap;

static void
budget_tile (gsize begin, gsize end, gpointer data)
{
  const BudgetMap *m = data;
  SfPatchField *field = m->field;
  const SfPatchFrame *f = &field->frame;

  for (gsize i = begin; i < end; i++)
    {
      int y = field->query[i] / f->w + f->y, x = field->query[i] % f->w + f->x;

      field->budget[i] = map_at (field->image, m->map, m->h, m->w, y, x) * SF_DETAIL_STEPS + m->zero;
    }
}

gboolean
sf_patch_field_set_detail (SfPatchField *self, const float *detail, const float *budget, int h, int w, double cost,
                           const SfProgress *progress, GError **error)
{
  const float zero = 6 * SF_DETAIL_STEPS; /* the bytes begin 6 octaves below 1 */

  g_clear_pointer (&self->detail, g_free);
  g_clear_pointer (&self->budget, g_free);
  if ((self->detail = sf_try_alloc ((gsize) self->image->h * self->image->w, 1, error)) == NULL ||
      (self->budget = sf_try_alloc (self->n_queries, sizeof (float), error)) == NULL)
    return FALSE;
  self->detail_scale = (float) cost;
  return sf_patch_for (self->n_sources, MAP_TILE, source_map_tile,
                       &(SourceMap) { self, detail, h, w, SF_DETAIL_STEPS, zero, self->detail }, progress, error) &&
         sf_patch_for (self->n_queries, MAP_TILE, budget_tile, &(BudgetMap) { self, budget, h, w, zero }, progress, error);
}

void
sf_patch_field_inherit (SfPatchField *self, const SfPatchField *other)
{
  for (int i = 0; i < self->n_queries; i++)
    {
      gint32 q = other->query_map[self->query[i]];

      self->nn[i] = q >= 0 && other->nn[q] >= 0 && self->fault[other->nn[q]] != SF_FAULT_NEVER ? other->nn[q] : -1;
    }
  self->warm = TRUE;
}

/* Along one axis, sizes in pixels: the finer position of coarse place @s, kept at the same sub-pixel offset as the
 * finer query @q has from its coarse counterpart @p. */
static inline int
lift_place (int s, double s_ratio, int q, int p, double q_ratio)
{
  return (int) floor (s * s_ratio + (q + 0.5 - (p + 0.5) * q_ratio) + 0.5 * s_ratio);
}

typedef struct
{
  SfPatchField *field;
  const SfPatchField *below;
} Lift;

static void
lift_tile (gsize begin, gsize end, gpointer data)
{
  SfPatchField *self = ((const Lift *) data)->field;
  const SfPatchField *below = ((const Lift *) data)->below;
  const SfPatchFrame *f = &self->frame, *g = &below->frame;
  const int SH = self->image->h, SW = self->image->w, sh = below->image->h, sw = below->image->w;
  /* finer pixels per coarse pixel, of the dictionary and of the grid that queries live on */
  double sy = (double) SH / sh, sx = (double) SW / sw;
  double qy = f->own ? (double) f->h / g->h : sy, qx = f->own ? (double) f->w / g->w : sx;

  for (gsize i = begin; i < end; i++)
    {
      int y = self->query[i] / f->w + f->y, x = self->query[i] % f->w + f->x;
      int cy = (int) ((y + 0.5) / qy), cx = (int) ((x + 0.5) / qx), iy, ix;
      gint32 q, nn;

      self->nn[i] = -1;
      if (cy - g->y < 0 || cx - g->x < 0 || cy - g->y >= g->h || cx - g->x >= g->w)
        continue;
      q = below->query_map[(gsize) (cy - g->y) * g->w + cx - g->x];
      if (q < 0 || (nn = below->nn[q]) < 0)
        continue;
      iy = CLAMP (lift_place (nn / sw, sy, y, cy, qy), self->r, SH - 1 - self->r);
      ix = CLAMP (lift_place (nn % sw, sx, x, cx, qx), self->r, SW - 1 - self->r);
      if (iy >= 0 && ix >= 0 && self->fault[(gsize) iy * SW + ix] != SF_FAULT_NEVER)
        self->nn[i] = iy * SW + ix;
    }
}

gboolean
sf_patch_field_lift (SfPatchField *self, const SfPatchField *below, const SfProgress *progress, GError **error)
{
  self->warm = sf_patch_for (self->n_queries, MAP_TILE, lift_tile, &(Lift) { self, below }, progress, error);
  return self->warm;
}

/*** Searching ***/

static void
score_tile (gsize begin, gsize end, gpointer data)
{
  sf_kernels ()->patch_score (data, begin, end);
}

static void
improve_tile (gsize begin, gsize end, gpointer data)
{
  sf_kernels ()->patch_improve (data, begin, end);
}

/* PatchMatch with Jacobi updates: each iteration reads the field of the one before, so tiles are independent. */
static gboolean
search_near (SfPatchField *self, const SfPatchQuery *query, const SfProgress *progress, GError **error)
{
  const SfPatchFrame *f = &self->frame;
  const SfPatchImage *image = self->image;
  const int r = self->r, n_samples = 3 * (2 * r + 1) * (2 * r + 1);
  const int pad_y = f->wrap_y ? r : 0, pad_x = f->wrap_x ? r : 0;
  const double diagonal2 = (double) image->h * image->h + (double) image->w * image->w;
  GCancellable *cancellable = sf_progress_cancellable (progress);
  SfPatchSearch search = {
    .z = query->z,
    .weight = query->weight,
    .zw = f->w + 2 * pad_x,
    .s = image->rgb,
    .sh = image->h,
    .sw = image->w,
    .fault = self->fault,
    .fault_scale = self->fault_scale * n_samples,
    .detail = self->detail,
    .budget = self->budget,
    .detail_scale = self->detail_scale * n_samples,
    .sources = self->sources,
    .n_sources = self->n_sources,
    .qh = f->h,
    .qw = f->w,
    .query_map = self->query_map,
    .query = self->query,
    .plain = self->plain,
    .pad_y = pad_y,
    .pad_x = pad_x,
    .dy = f->y,
    .dx = f->x,
    .r = r,
    .mu = (float) (query->mu * n_samples / diagonal2),
    .coherence = COHERENCE,
    .exclude = query->exclude,
    .n_random = N_RANDOM,
    .radius = MAX (image->h, image->w) / 2,
    .seed = query->seed,
    .old = self->old,
    .nn = self->nn,
    .cost = self->cost,
  };

  sf_parallel_for (self->n_queries, QUERY_TILE, score_tile, &search, cancellable);
  for (search.iteration = 0; search.iteration < (self->warm ? N_ITERATIONS : N_ITERATIONS_COLD); search.iteration++)
    {
      memcpy (self->old, self->nn, self->n_queries * sizeof (gint32));
      if (!sf_parallel_for (self->n_queries, QUERY_TILE, improve_tile, &search, cancellable))
        break;
    }
  return !sf_progress_stopped (progress, error);
}

gboolean
sf_patch_field_search (SfPatchField *self, const SfPatchQuery *query, const SfProgress *progress, GError **error)
{
  gboolean done;

  g_clear_pointer (&self->means, g_free);
  if (self->n_queries == 0)
    return TRUE;
  if ((double) self->n_queries * self->n_sources <= SF_PATCH_EXACT_PAIRS)
    done = sf_patch_field_search_exact (self, query, progress, error);
  else
    done = search_near (self, query, progress, error);
  self->warm = done;
  return done;
}

/*** Voting ***/

/* What each query votes with, on the grid of the state. */
typedef struct
{
  SfPatchField *field;
  const float *weight; /* (nullable) of query i */
  gboolean means;      /* its patch comes from field->means */
} Ballot;

static void
ballot_tile (gsize begin, gsize end, gpointer data)
{
  const Ballot *b = data;
  SfPatchField *field = b->field;
  const int r = field->r, side = 2 * r + 1;

  for (gsize i = begin; i < end; i++)
    {
      gint32 at = field->query[i];

      field->weight[at] = field->nn[i] < 0 ? 0 : b->weight != NULL ? b->weight[i]
                                                                   : 1;
      field->centre[at] = b->means ? (i * side * side + (gsize) r * (side + 1)) * 4
                                   : (gsize) MAX (field->nn[i], 0) * 4;
    }
}

static void
vote_tile (gsize begin, gsize end, gpointer data)
{
  sf_kernels ()->patch_vote (data, begin, end);
}

gboolean
sf_patch_field_vote (SfPatchField *self, const float *s, const float *weight, const float *window, double robust,
                     const gint32 *pixels, gsize n_pixels, float *out, const SfProgress *progress, GError **error)
{
  const int side = 2 * self->r + 1;
  gboolean means = self->means != NULL && s == self->image->rgb;
  Ballot ballot = { self, weight, means };
  SfPatchVote vote = {
    .s = means ? self->means : s,
    .row = (gsize) (means ? side : self->image->w) * 4,
    .centre = self->centre,
    .weight = self->weight,
    .window = window,
    .qh = self->frame.h,
    .qw = self->frame.w,
    .r = self->r,
    .wrap_y = self->frame.wrap_y,
    .wrap_x = self->frame.wrap_x,
    .robust = (float) robust,
    .pixel = pixels,
    .out = out,
  };

  return sf_patch_for (self->n_queries, MAP_TILE, ballot_tile, &ballot, progress, error) &&
         sf_patch_for (n_pixels, VOTE_TILE, vote_tile, &vote, progress, error);
}

void
sf_patch_field_add_usage (const SfPatchField *self, float *usage)
{
  const int w = self->image->w, r = self->r, area = (2 * r + 1) * (2 * r + 1);

  for (int i = 0; i < self->n_queries; i++)
    if (self->nn[i] >= 0)
      for (int dy = -r; dy <= r; dy++)
        for (int dx = -r; dx <= r; dx++)
          {
            float *u = usage + (gsize) (self->nn[i] / w + dy) * w + self->nn[i] % w + dx;

            *u = MIN (1, *u + 1.0f / area);
          }
}
