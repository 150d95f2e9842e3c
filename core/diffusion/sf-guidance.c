/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-guidance.h"

#include <glib/gi18n.h>
#include <math.h>

#define U SF_GUIDANCE_UNCONDITIONAL
#define C SF_GUIDANCE_CONDITIONAL
#define E SF_GUIDANCE_THIRD

/*** The kinds ***/

/* Counted from u. */
static double
scale_from_u (const SfGuidance *self)
{
  return self->scale + self->original;
}

/* u + w (c - u) (Ho & Salimans 2022) */
static void
weigh_cfg (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  w[C] = scale_from_u (self);
  w[U] = 1 - w[C];
}

/* The same with the u that is nearest to c: s u, s = <c, u> / <u, u> (Fan et al. 2025, CFG-Zero*) */
static void
weigh_zero_star (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  w[C] = scale_from_u (self);
  w[U] = (1 - w[C]) * dot[C][U] / (dot[U][U] + 1e-8);
}

/* The same with u projected on the first singular vector of (c, u): v = p c + q u, of length 1, u' = <u, v> v (Kwon et al. 2025) */
static void
weigh_tangential (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  double half = (dot[C][C] - dot[U][U]) / 2, most = (dot[C][C] + dot[U][U]) / 2 + hypot (half, dot[C][U]);
  double angle = atan2 (dot[C][U], half) / 2; /* of the eigenvector of the matrix of inner products */
  double p = cos (angle), q = sin (angle), along = most > 0 ? (p * dot[C][U] + q * dot[U][U]) / most : 0;

  w[C] = scale_from_u (self) + (1 - scale_from_u (self)) * along * p;
  w[U] = (1 - scale_from_u (self)) * along * q;
}

/* base + w (m - (1 - eta) <m, c> / <c, c> c), with m, the momentum, no longer than the threshold (Sadat et al. 2025, APG) */
static void
weigh_projected (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  double length = sqrt (dot[E][E]), parallel = dot[C][C] > 0 ? dot[E][C] / dot[C][C] : 0;

  w[E] = self->scale * (self->threshold > 0 && length > self->threshold ? self->threshold / length : 1);
  w[C] = self->original - w[E] * (1 - self->eta) * parallel;
  w[U] = !self->original;
}

/* u + w (p - t (n - <n, p> / <p, p> p)) with p = c - u, n = e - u (Armandpour et al. 2023, Perp-Neg) */
static void
weigh_perpendicular (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  double pp = dot[C][C] - 2 * dot[C][U] + dot[U][U], np = dot[E][C] - dot[E][U] - dot[C][U] + dot[U][U];
  double along = pp > 0 ? np / pp : 0;

  w[C] = scale_from_u (self) * (1 + self->third_scale * along);
  w[E] = -scale_from_u (self) * self->third_scale;
  w[U] = 1 - w[C] - w[E];
}

/* e + t (u - e) + w (c - u), e with the picture alone (Brooks et al. 2023) */
static void
weigh_three_way (const SfGuidance *self, double dot[SF_N_GUIDANCE][SF_N_GUIDANCE], double w[SF_N_GUIDANCE])
{
  w[C] = self->scale;
  w[E] = 1 - self->third_scale;
  w[U] = self->third_scale - self->scale;
}

static const SfGuidanceKind kinds[] = {
  { "cfg", N_ ("Classifier-free"), N_ ("The plain kind; above 8 colors become harsh"), FALSE, FALSE, weigh_cfg },
  { "apg", N_ ("Projected"), N_ ("Leaves out what only raises contrast, so that large scales keep natural colors"), TRUE, TRUE, weigh_projected },
  { "zero-star", N_ ("CFG-Zero*"), N_ ("Matches the two predictions first; for flow matching"), FALSE, FALSE, weigh_zero_star },
  { "tangential", N_ ("Tangential"), N_ ("Drops from the unconditional prediction what it does not share with the other; fewer artifacts at large scales"), FALSE, FALSE, weigh_tangential },
  { "perpendicular", N_ ("Perpendicular negative"), N_ ("Avoids what is unwanted without touching what is wanted"), TRUE, FALSE, weigh_perpendicular },
  { "three-way", N_ ("Text and picture"), N_ ("One scale for the text, another for a picture to follow"), TRUE, FALSE, weigh_three_way },
};

const SfGuidanceKind *
sf_guidance_kinds (int *n)
{
  *n = G_N_ELEMENTS (kinds);
  return kinds;
}

const SfGuidanceKind *
sf_guidance_kind_find (const char *name)
{
  for (gsize i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_strcmp0 (kinds[i].name, name) == 0)
      return &kinds[i];
  return NULL;
}

gboolean
sf_guidance_is_off (const SfGuidance *self)
{
  return !self->kind->third && fabs (scale_from_u (self) - 1) < 1e-9;
}

/*** One image ***/

typedef struct
{
  double dot[SF_N_GUIDANCE][SF_N_GUIDANCE];
  double sum[SF_N_GUIDANCE];
} Moments;

static Moments
moments (const SfReal *const x[SF_N_GUIDANCE], gsize n)
{
  Moments m = { 0 };

  for (gsize i = 0; i < n; i++)
    for (int a = 0; a < SF_N_GUIDANCE && x[a] != NULL; a++)
      {
        m.sum[a] += x[a][i];
        for (int b = 0; b <= a; b++)
          m.dot[a][b] += (double) x[a][i] * x[b][i];
      }
  for (int a = 0; a < SF_N_GUIDANCE; a++)
    for (int b = 0; b < a; b++)
      m.dot[b][a] = m.dot[a][b];
  return m;
}

/* n * variance of the sum with weights @w. */
static double
variation (const Moments *m, const double w[SF_N_GUIDANCE], gsize n)
{
  double square = 0, sum = 0;

  for (int a = 0; a < SF_N_GUIDANCE; a++)
    {
      sum += w[a] * m->sum[a];
      for (int b = 0; b < SF_N_GUIDANCE; b++)
        square += w[a] * w[b] * m->dot[a][b];
    }
  return MAX (square - sum * sum / n, 0);
}

/* e (r deviation of c / deviation of e + 1 - r) */
static void
rescale (const Moments *m, double r, double w[SF_N_GUIDANCE], gsize n)
{
  const double c[SF_N_GUIDANCE] = { [C] = 1 };
  double of_result = variation (m, w, n), factor = 1;

  if (r > 0 && of_result > 0)
    factor = r * sqrt (variation (m, c, n) / of_result) + 1 - r;
  for (int a = 0; a < SF_N_GUIDANCE; a++)
    w[a] *= factor;
}

static void
guide_image (const SfGuidance *self, SfReal *conditional, const SfReal *unconditional, SfReal *third, gsize n)
{
  const SfReal *const x[SF_N_GUIDANCE] = { [U] = unconditional, [C] = conditional, [E] = third };
  double w[SF_N_GUIDANCE] = { 0 };
  Moments m;

  if (self->kind->momentum)
    for (gsize i = 0; i < n; i++)
      third[i] = (SfReal) (conditional[i] - unconditional[i] + self->momentum * third[i]);
  m = moments (x, n);
  self->kind->weigh (self, m.dot, w);
  rescale (&m, self->rescale, w, n);
  for (gsize i = 0; i < n; i++)
    conditional[i] = (SfReal) (w[U] * unconditional[i] + w[C] * conditional[i] + (third != NULL ? w[E] * third[i] : 0));
}

void
sf_guide (const SfGuidance *self, SfTensor *conditional, const SfTensor *unconditional, SfTensor *third)
{
  gsize n = sf_tensor_size (conditional) / conditional->n;

  g_return_if_fail (sf_tensor_same_shape (conditional, unconditional));
  g_return_if_fail (!self->kind->third || (third != NULL && sf_tensor_same_shape (conditional, third)));

  for (gsize i = 0; i < (gsize) conditional->n * n; i += n)
    guide_image (self, conditional->data + i, unconditional->data + i, self->kind->third ? third->data + i : NULL, n);
}
