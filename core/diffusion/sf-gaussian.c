/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "diffusion/sf-gaussian.h"

#include <math.h>

#define LEAST_SHARE 1e-12 /* of a bin: keeps its logarithm finite */

double
sf_gaussian_kl (double m1, double l1, double m2, double l2, double *dm2, double *dl2)
{
  double precision = exp (-l2), distance = m2 - m1, ratio = exp (l1 - l2) + distance * distance * precision;

  if (dm2 != NULL)
    *dm2 = distance * precision;
  if (dl2 != NULL)
    *dl2 = (1 - ratio) / 2;
  return (-1 + l2 - l1 + ratio) / 2;
}

static double
argument (double z)
{
  return sqrt (2 / G_PI) * (z + 0.044715 * z * z * z);
}

double
sf_gaussian_cdf (double z)
{
  return 0.5 * (1 + tanh (argument (z)));
}

/* Its derivative. */
static double
density (double z)
{
  double t = tanh (argument (z));

  return 0.5 * (1 - t * t) * sqrt (2 / G_PI) * (1 + 3 * 0.044715 * z * z);
}

double
sf_gaussian_log_bin (double x, double m, double l, double *dm, double *dl)
{
  double scale = exp (-l / 2), upper = scale * (x - m + 1 / 255.0), lower = scale * (x - m - 1 / 255.0);
  gboolean first = x < -0.999, last = !first && x > 0.999;
  double share = (last ? 1 : sf_gaussian_cdf (upper)) - (first ? 0 : sf_gaussian_cdf (lower));
  double at_upper = last ? 0 : density (upper), at_lower = first ? 0 : density (lower);
  gboolean flat = share < LEAST_SHARE;

  if (dm != NULL)
    *dm = flat ? 0 : (at_lower - at_upper) * scale / share;
  if (dl != NULL)
    *dl = flat ? 0 : (at_lower * lower - at_upper * upper) / (2 * share);
  return log (MAX (share, LEAST_SHARE));
}

/*** Many at once ***/

/* Mean and log variance of element @i. */
static double
mean_of (const SfTensor *moments, gsize i, double *l)
{
  gsize c = moments->c / 2;
  const SfReal *pixel = moments->data + i / c * 2 * c + i % c;

  *l = CLAMP (pixel[c], -30, 20);
  return pixel[0];
}

void
sf_gaussian_draw (const SfTensor *moments, SfTensor *z)
{
  g_return_if_fail (sf_tensor_size (moments) == 2 * sf_tensor_size (z));

  for (gsize i = 0; i < sf_tensor_size (z); i++)
    {
      double l, m = mean_of (moments, i, &l);

      z->data[i] = (SfReal) (m + exp (l / 2) * z->data[i]);
    }
}

void
sf_gaussian_kl_to_unit (const SfTensor *moments, double *kl)
{
  gsize n = sf_tensor_size (moments) / 2 / moments->n;

  for (gsize i = 0; i < n * moments->n; i++)
    {
      double l, m = mean_of (moments, i, &l);

      kl[i / n] = (i % n > 0 ? kl[i / n] : 0) + sf_gaussian_kl (m, l, 0, 0, NULL, NULL);
    }
}

void
sf_gaussian_nll (const SfTensor *moments, const SfTensor *x, double *nll)
{
  gsize n = sf_tensor_size (x) / x->n;

  g_return_if_fail (sf_tensor_size (moments) == 2 * sf_tensor_size (x));

  for (gsize i = 0; i < n * x->n; i++)
    {
      double l, m = mean_of (moments, i, &l), distance = x->data[i] - m;

      nll[i / n] = (i % n > 0 ? nll[i / n] : 0) + (log (2 * G_PI) + l + distance * distance * exp (-l)) / 2;
    }
}
