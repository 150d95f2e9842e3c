/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The exact posterior over all patches of the dictionary, as matrix products on OpenBLAS.
 *
 *   D_qs = sum_j W_j z_qj^2 - 2 (W z)_q . psi_s + W_q . (psi_s)^2 + penalties
 *        = const_q + [-2 W z | W] . [psi | sum over RGB of psi^2]      (inner size 3 p^2 + p^2)
 *   w_qs = softmax_s (-D_qs / 2 sigma^2),    mean patch_q = sum_s w_qs psi_s
 *
 * With completeness alpha > 0 (Granot et al. 2022) D_qs is divided by alpha + min_q' D_q's and the nearest patch taken: a
 * source that nothing resembles yet becomes cheap, so that all of the example appears in the result.
 *
 * Queries are shared out in tiles whose size depends on the number of sources alone.
 */
#include "denoisers/sf-patch-field.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "kernels/sf-blas.h"
#include "kernels/sf-kernels.h"

#define MAX_K (4 * (2 * SF_PATCH_MAX_RADIUS + 1) * (2 * SF_PATCH_MAX_RADIUS + 1))
#define MAX_TILE 64

typedef struct
{
  SfPatchField *field;
  const SfPatchQuery *query;
  int side, k;      /* p, 4 p^2 */
  const float *psi; /* n_sources x k: the patches (3 p^2), then the squares (p^2) */
  float mu;
  int tile;         /* queries per tile */
  float *least;     /* (nullable) see find_norms() */
  gint failed;      /* (atomic) a tile got no memory */
} Exact;

static void
gather_sources (gsize begin, gsize end, gpointer data)
{
  SfPatchField *field = data;
  const SfPatchImage *image = field->image;
  const int r = field->r, side = 2 * r + 1, area = side * side;

  for (gsize i = begin; i < end; i++)
    {
      int s = field->sources[i];
      float *psi = field->psi + i * 4 * area;

      for (int j = 0; j < area; j++)
        {
          int y = s / image->w - r + j / side, x = s % image->w - r + j % side;
          const float *rgb = image->rgb + ((gsize) y * image->w + x) * 4;

          psi[3 * area + j] = rgb[0] * rgb[0] + rgb[1] * rgb[1] + rgb[2] * rgb[2];
          for (int c = 0; c < 3; c++)
            psi[3 * j + c] = rgb[c];
        }
    }
}

/* The left-hand row of query @i; returns const_q. */
static float
gather_query (const Exact *e, gsize i, float *row)
{
  const SfPatchFrame *f = &e->field->frame;
  const int side = e->side, r = e->field->r, area = side * side;
  const int pad_y = f->wrap_y ? r : 0, pad_x = f->wrap_x ? r : 0, zw = f->w + 2 * pad_x;
  int y = e->field->query[i] / f->w + pad_y - r, x = e->field->query[i] % f->w + pad_x - r;
  float constant = 0;

  for (int j = 0; j < area; j++)
    {
      gsize at = ((gsize) (y + j / side) * zw + x + j % side) * 4;
      float w = e->query->weight[at];

      row[3 * area + j] = w;
      for (int c = 0; c < 3; c++)
        {
          float z = e->query->z[at + c];

          row[3 * j + c] = -2 * w * z;
          constant += w * z * z;
        }
    }
  return constant;
}

/* Adds what does not depend on colours to the costs of query @i. */
static void
add_priors (const Exact *e, gsize i, float constant, float *d)
{
  const SfPatchField *field = e->field;
  const int w = field->image->w, exclude = e->query->exclude;
  int y = field->query[i] / field->frame.w + field->frame.y, x = field->query[i] % field->frame.w + field->frame.x;
  float samples = 3.0f * e->side * e->side, scale = samples * field->fault_scale;
  float octave = samples * field->detail_scale / SF_DETAIL_STEPS;

  for (int s = 0; s < field->n_sources; s++)
    {
      int ey = field->sources[s] / w - y, ex = field->sources[s] % w - x;

      d[s] = fmaxf (d[s] + constant, 0) + e->mu * (float) (ey * ey + ex * ex);
      d[s] += field->fault[field->sources[s]] * scale;
      if (field->detail != NULL)
        d[s] += CLAMP (field->detail[field->sources[s]] - field->budget[i], 0, SF_DETAIL_STEPS) * octave;
      if (exclude > 0 && ABS (ey) < exclude && ABS (ex) < exclude)
        d[s] = 1e9f;
    }
}

/* D of queries begin…end, n x n_sources; %NULL without memory. */
static float *
tile_distances (Exact *e, gsize begin, gsize end)
{
  const int n = (int) (end - begin), ns = e->field->n_sources;
  g_autofree float *rows = g_new (float, (gsize) n * e->k);
  g_autofree float *d = g_try_malloc_n ((gsize) n * ns, sizeof (float));
  float constant[MAX_TILE];

  if (d == NULL)
    {
      g_atomic_int_set (&e->failed, TRUE);
      return NULL;
    }
  for (int i = 0; i < n; i++)
    constant[i] = gather_query (e, begin + i, rows + (gsize) i * e->k);
  sf_gemm_nt (n, ns, e->k, rows, e->psi, d);
  for (int i = 0; i < n; i++)
    add_priors (e, begin + i, constant[i], d + (gsize) i * ns);
  return g_steal_pointer (&d);
}

/* Row (begin / tile) of `least`: for each source the smallest D of this tile's queries. */
static void
least_tile (gsize begin, gsize end, gpointer data)
{
  Exact *e = data;
  const int ns = e->field->n_sources;
  g_autofree float *d = tile_distances (e, begin, end);
  float *least = e->least + begin / e->tile * ns;

  if (d == NULL)
    return;
  memcpy (least, d, ns * sizeof (float));
  for (gsize i = 1; i < end - begin; i++)
    for (int s = 0; s < ns; s++)
      least[s] = MIN (least[s], d[i * ns + s]);
}

/* e->least: the norms that D is divided by, one row. */
static void
find_norms (Exact *e, GCancellable *cancellable)
{
  const int ns = e->field->n_sources, side = e->side;
  gsize n_rows = ((gsize) e->field->n_queries + e->tile - 1) / e->tile;

  sf_parallel_for (e->field->n_queries, e->tile, least_tile, e, cancellable);
  for (gsize row = 1; row < n_rows; row++)
    for (int s = 0; s < ns; s++)
      e->least[s] = MIN (e->least[s], e->least[row * ns + s]);
  for (int s = 0; s < ns; s++)
    e->least[s] += (float) (e->query->completeness * 3 * side * side);
}

static void
exact_tile (gsize begin, gsize end, gpointer data)
{
  Exact *e = data;
  SfPatchField *field = e->field;
  const int n = (int) (end - begin), ns = field->n_sources, area = e->side * e->side;
  g_autofree float *d = tile_distances (e, begin, end);
  g_autofree float *means = g_new (float, (gsize) n * 3 * area);
  float total[MAX_TILE];
  double sigma = MAX (e->query->sigma, 1e-3);

  if (d == NULL)
    return;
  for (int i = 0; i < n; i++)
    {
      float *row = d + (gsize) i * ns;
      gsize best = 0;

      for (int s = 0; s < ns; s++)
        if (e->least != NULL ? row[s] * e->least[best] < row[best] * e->least[s] : row[s] < row[best])
          best = s;
      field->nn[begin + i] = field->sources[best];
      field->cost[begin + i] = row[best];
      if (field->means != NULL)
        total[i] = sf_kernels ()->softmin (row, ns, row[best], (float) (1 / (2 * sigma * sigma)));
    }
  if (field->means == NULL)
    return;
  sf_gemm_nn (n, 3 * area, ns, d, e->psi, e->k, means);
  for (int i = 0; i < n; i++)
    for (int j = 0; j < area; j++)
      for (int c = 0; c < 3; c++)
        field->means[((begin + i) * area + j) * 4 + c] = means[((gsize) i * area + j) * 3 + c] / total[i];
}

gboolean
sf_patch_field_search_exact (SfPatchField *self, const SfPatchQuery *query, const SfProgress *progress, GError **error)
{
  const int side = 2 * self->r + 1, area = side * side;
  const SfPatchImage *image = self->image;
  Exact e = { .field = self, .query = query, .side = side, .k = 4 * area };
  g_autofree float *least = NULL;
  GCancellable *cancellable = sf_progress_cancellable (progress);

  if (self->psi == NULL)
    {
      if ((self->psi = sf_try_alloc ((gsize) self->n_sources * e.k, sizeof (float), error)) == NULL)
        return FALSE;
      sf_parallel_for (self->n_sources, 512, gather_sources, self, NULL);
    }
  e.psi = self->psi;
  e.mu = (float) (query->mu * 3 * area / ((double) image->h * image->h + (double) image->w * image->w));
  e.tile = CLAMP (262144 / self->n_sources, 4, MAX_TILE);
  if (query->completeness > 0)
    {
      least = sf_try_alloc (((gsize) self->n_queries / e.tile + 1) * self->n_sources, sizeof (float), error);
      if ((e.least = least) == NULL)
        return FALSE;
    }
  else if (query->sigma > 0)
    {
      self->means = sf_try_alloc ((gsize) self->n_queries * area * 4, sizeof (float), error);
      if (self->means == NULL)
        return FALSE;
    }
  if (least != NULL)
    find_norms (&e, cancellable);
  sf_parallel_for (self->n_queries, e.tile, exact_tile, &e, cancellable);
  if (e.failed)
    {
      g_set_error_literal (error, SF_ERROR, SF_ERROR_MEMORY,
                           _ ("Not enough memory. Work on a smaller area or close other pictures."));
      return FALSE;
    }
  return !sf_progress_stopped (progress, error);
}
