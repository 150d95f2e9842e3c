/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "denoisers/sf-patch-solve.h"

#include <math.h>
#include <string.h>

#include "base/sf-error.h"
#include "base/sf-parallel.h"
#include "kernels/sf-kernels.h"

/*** Harmonic ***/

/* One pass of Gauss-Seidel with over-relaxation. */
static void
relax (float *x, const guint8 *fixed, int h, int w, float omega)
{
  for (int y = 0; y < h; y++)
    for (int i = 0; i < w; i++)
      {
        float *p = x + ((gsize) y * w + i) * 4;
        const float *up = y > 0 ? p - 4 * (gsize) w : p, *down = y < h - 1 ? p + 4 * (gsize) w : p;
        const float *left = i > 0 ? p - 4 : p, *right = i < w - 1 ? p + 4 : p;

        if (fixed[(gsize) y * w + i])
          continue;
        for (int c = 0; c < 3; c++)
          p[c] += omega * ((up[c] + down[c] + left[c] + right[c]) * 0.25f - p[c]);
      }
}

gboolean
sf_patch_harmonic (float *x, const guint8 *fixed, int h, int w, const SfProgress *progress, GError **error)
{
  /* the optimum for a square of this side */
  const float omega = (float) (2 / (1 + sin (G_PI / MAX (8, MIN (h, w)))));
  const int n = MIN (4 * MAX (h, w), 600);

  for (int i = 0; i < n && !sf_progress_stopped (progress, NULL); i++)
    relax (x, fixed, h, w, omega);
  return !sf_progress_stopped (progress, error);
}

/*** Polish ***/

#define LAMBDA 5e-3f
#define ROBUST 0.02
#define EDGE 0.12f /* at the hole's border a larger difference of gradients is an edge, no seam */
#define MAX_ITERATIONS 150
#define TOLERANCE 1e-4

/* (A u) = lambda u + grad^T grad u over the hole, u = 0 outside.  Rows are tiles; scalar products are summed row by
 * row, then over the rows in order, so the number of threads does not matter. */
typedef struct
{
  int h, w;
  const guint8 *hole;
  float *u, *r, *q, *aq; /* h x w x 4: solution, residual, direction, A direction */
  double *rows;          /* h x 3: partial sums */
  float a[3], b[3];      /* step lengths of each channel */
} Solve;

static void
apply_rows (gsize begin, gsize end, gpointer data)
{
  Solve *s = data;
  const gsize w = s->w;

  for (gsize y = begin; y < end; y++)
    {
      double dot[3] = { 0 };

      for (gsize x = 0; x < w; x++)
        {
          gsize i = y * w + x;
          const float *q = s->q + i * 4;
          float *out = s->aq + i * 4;

          if (!s->hole[i])
            continue;
          for (int c = 0; c < 3; c++)
            {
              float v = LAMBDA * q[c];

              v += x > 0 ? q[c] - q[c - 4] : 0;
              v += x < w - 1 ? q[c] - q[c + 4] : 0;
              v += y > 0 ? q[c] - q[c - 4 * (gssize) w] : 0;
              v += (int) y < s->h - 1 ? q[c] - q[c + 4 * (gssize) w] : 0;
              out[c] = v;
              dot[c] += (double) v * q[c];
            }
        }
      memcpy (s->rows + y * 3, dot, sizeof dot);
    }
}

static void
step_rows (gsize begin, gsize end, gpointer data)
{
  Solve *s = data;

  for (gsize y = begin; y < end; y++)
    {
      double dot[3] = { 0 };

      for (gsize i = y * s->w; i < (y + 1) * s->w; i++)
        if (s->hole[i])
          for (int c = 0; c < 3; c++)
            {
              gsize j = i * 4 + c;

              s->u[j] += s->a[c] * s->q[j];
              s->r[j] -= s->a[c] * s->aq[j];
              dot[c] += (double) s->r[j] * s->r[j];
            }
      memcpy (s->rows + y * 3, dot, sizeof dot);
    }
}

static void
turn_rows (gsize begin, gsize end, gpointer data)
{
  Solve *s = data;

  for (gsize i = begin * s->w * 4; i < end * s->w * 4; i += 4)
    for (int c = 0; c < 3; c++)
      s->q[i + c] = s->r[i + c] + s->b[c] * s->q[i + c];
}

static void
sum_rows (const Solve *s, double sum[3])
{
  sum[0] = sum[1] = sum[2] = 0;
  for (int y = 0; y < s->h; y++)
    for (int c = 0; c < 3; c++)
      sum[c] += s->rows[y * 3 + c];
}

static gboolean
conjugate_gradients (Solve *s, const SfProgress *progress, GError **error)
{
  GCancellable *cancellable = sf_progress_cancellable (progress);
  double rr[3] = { 0 }, sum[3];

  for (gsize i = 0; i < (gsize) s->h * s->w * 4; i += 4)
    for (int c = 0; c < 3; c++)
      rr[c] += (double) s->r[i + c] * s->r[i + c];
  for (int k = 0; k < MAX_ITERATIONS && MAX (rr[0], MAX (rr[1], rr[2])) >= TOLERANCE; k++)
    {
      sf_parallel_for (s->h, 16, apply_rows, s, cancellable);
      sum_rows (s, sum);
      for (int c = 0; c < 3; c++)
        s->a[c] = (float) (rr[c] / MAX (sum[c], 1e-12));
      sf_parallel_for (s->h, 16, step_rows, s, cancellable);
      sum_rows (s, sum);
      for (int c = 0; c < 3; c++)
        {
          s->b[c] = (float) (sum[c] / MAX (rr[c], 1e-12));
          rr[c] = sum[c];
        }
      if (!sf_parallel_for (s->h, 64, turn_rows, s, cancellable))
        break;
    }
  return !sf_progress_stopped (progress, error);
}

/* The gradients to aim at, along one axis. */
typedef struct
{
  const SfPatchFrame *frame;
  const guint8 *hole;
  const float *x, *voted; /* of the state, x 4 */
  float *rhs;
  gsize step;             /* pixels to the next one along the axis */
} Wanted;

/* The change that is wanted of the difference between pixels @at and @at + step of the state. */
static void
wanted_change (const Wanted *w, gsize at, float change[3])
{
  gsize next = at + w->step;
  float largest = 0;

  for (int c = 0; c < 3; c++)
    {
      change[c] = w->voted[at * 4 + c] - (w->x[next * 4 + c] - w->x[at * 4 + c]);
      largest = MAX (largest, fabsf (change[c]));
    }
  if (largest >= EDGE && !(w->hole[at] && w->hole[next]))
    change[0] = change[1] = change[2] = 0;
}

/* Adds the divergence of the wanted changes to the right-hand side. */
static void
divergence_rows (gsize begin, gsize end, gpointer data)
{
  const Wanted *w = data;
  const SfPatchFrame *f = w->frame;
  const gboolean vertical = w->step > 1;

  for (gsize y = begin; y < end; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize at = y * f->w + x;
        float before[3] = { 0 }, after[3] = { 0 };

        if (!w->hole[at])
          continue;
        if (vertical ? y > 0 : x > 0)
          wanted_change (w, at - w->step, before);
        if (vertical ? (int) y < f->h - 1 : x < f->w - 1)
          wanted_change (w, at, after);
        for (int c = 0; c < 3; c++)
          w->rhs[at * 4 + c] = w->rhs[at * 4 + c] + before[c] - after[c];
      }
}

typedef struct
{
  const float *in;
  float *out;
  gsize n, step;
} Differences;

/* Forward differences of the dictionary along one axis, for the vote. */
static void
differences_tile (gsize begin, gsize end, gpointer data)
{
  const Differences *d = data;

  for (gsize i = begin; i < end; i++)
    d->out[i] = i + d->step < d->n ? d->in[i + d->step] - d->in[i] : 0;
}

/* The pixels of the hole and their left and upper neighbours: where a forward difference is needed. */
static gint32 *
pixels_with_links (const SfPatchFrame *f, const guint8 *hole, gsize *n, GError **error)
{
  gint32 *pixels = sf_try_alloc ((gsize) f->h * f->w, sizeof (gint32), error);

  *n = 0;
  for (int y = 0; pixels != NULL && y < f->h; y++)
    for (int x = 0; x < f->w; x++)
      {
        gsize i = (gsize) y * f->w + x;

        if (hole[i] || (x < f->w - 1 && hole[i + 1]) || (y < f->h - 1 && hole[i + f->w]))
          pixels[(*n)++] = (gint32) i;
      }
  return pixels;
}

gboolean
sf_patch_polish (SfPatchField *field, const float *weight, const guint8 *hole, float *x, const SfProgress *progress,
                 GError **error)
{
  const SfPatchFrame *f = &field->frame;
  const int side = 2 * field->r + 1;
  gsize n = (gsize) f->h * f->w, n_source = (gsize) field->image->h * field->image->w * 4, n_pixels;
  g_autofree gint32 *pixels = pixels_with_links (f, hole, &n_pixels, error);
  g_autofree float *gradient = sf_patch_pixels_new (field->image->h, field->image->w, error);
  g_autofree float *u = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree float *r = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree float *q = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree float *aq = sf_try_alloc (n, 4 * sizeof (float), error);
  g_autofree double *rows = sf_try_alloc (f->h, 3 * sizeof (double), error);
  Solve solve = { f->h, f->w, hole, u, r, q, aq, rows, { 0 }, { 0 } };
  float window[(2 * SF_PATCH_MAX_RADIUS + 1) * (2 * SF_PATCH_MAX_RADIUS + 1)];

  if (pixels == NULL || gradient == NULL || u == NULL || r == NULL || q == NULL || aq == NULL || rows == NULL)
    return FALSE;
  for (int vertical = 0; vertical < 2; vertical++)
    {
      Differences differences = { field->image->rgb, gradient, n_source, (vertical ? field->image->w : 1) * 4 };
      Wanted wanted = { f, hole, x, q, r, vertical ? f->w : 1 };

      for (int i = 0; i < side * side; i++) /* a forward difference leaves the patch on its last row or column */
        window[i] = (vertical ? i / side : i % side) < side - 1;
      memset (q, 0, n * 4 * sizeof (float));
      if (!sf_patch_for (n_source, 65536, differences_tile, &differences, progress, error) ||
          !sf_patch_field_vote (field, gradient, weight, window, ROBUST, pixels, n_pixels, q, progress, error) ||
          !sf_patch_for (f->h, 16, divergence_rows, &wanted, progress, error))
        return FALSE;
    }
  memcpy (q, r, n * 4 * sizeof (float));
  if (!conjugate_gradients (&solve, progress, error))
    return FALSE;
  for (gsize i = 0; i < n * 4; i++)
    x[i] += u[i];
  return TRUE;
}
